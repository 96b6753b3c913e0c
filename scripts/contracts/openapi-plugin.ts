// The buf plugin that prints one OpenAPI 3.1 document for each package of the contracts that has REST routes.
import type { DescFile } from '@bufbuild/protobuf';
import { createEcmaScriptPlugin, runNodeJs, type Schema } from '@bufbuild/protoplugin';
import { contractOptions } from './openapi/contracts.ts';
import { documentOf } from './openapi/document.ts';
import { printJson } from './openapi/json.ts';

runNodeJs(
  createEcmaScriptPlugin({
    name: 'openapi-plugin',
    version: 'v1',
    generateTs: printDocuments,
  }),
);

function printDocuments(schema: Schema): void {
  const options = contractOptions(schema.allFiles);
  for (const [name, files] of byPackage(schema.files)) {
    const document = documentOf(name, files, options);
    if (document) schema.generateFile(`${name}.json`).print(printJson(document));
  }
}

function byPackage(files: readonly DescFile[]): Map<string, DescFile[]> {
  const packages = new Map<string, DescFile[]>();
  // By name, so that the documents do not depend on the order in which buf passes the files.
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const siblings = packages.get(file.proto.package) ?? [];
    packages.set(file.proto.package, [...siblings, file]);
  }
  return packages;
}
