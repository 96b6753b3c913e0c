// Puts the OpenAPI document of one package together.
import type { DescFile, DescMethod } from '@bufbuild/protobuf';
import { createCatalog } from './catalog.ts';
import { commentOf, sentences } from './comment.ts';
import { errorSchemas } from './error-schemas.ts';
import { errorComponents } from './errors.ts';
import type { JsonObject } from './json.ts';
import { operationOf } from './operation.ts';
import type { ContractOptions } from './options.ts';
import { headerParameters } from './parameters.ts';
import { routesOf } from './route.ts';
import { requiredFields } from './rules.ts';
import { CONTENT_DIGEST, contentDigest, SECURITY, securitySchemes } from './security.ts';

/** The document of a package, or undefined when nothing of it can be called over REST. */
export function documentOf(
  name: string,
  files: readonly DescFile[],
  options: ContractOptions,
): JsonObject | undefined {
  const services = files
    .flatMap((file) => file.services)
    .filter(({ methods }) => methods.some((method) => options.httpRule(method)));
  if (services.length === 0) return undefined;
  const catalog = createCatalog(requiredFields(options.registry));
  const paths = new Map<string, Map<string, JsonObject>>();
  const demands = new Set<string>();
  for (const method of services.flatMap(({ methods }) => methods)) {
    const rule = options.httpRule(method);
    const demanded = options.demanded(method);
    for (const [ordinal, route] of (rule ? routesOf(method, rule) : []).entries()) {
      for (const demand of demanded) demands.add(demand);
      const verbs = verbsAt(paths, route.path, method);
      if (verbs.has(route.verb)) throw new Error(`two RPCs answer ${route.verb} ${route.path}`);
      verbs.set(
        route.verb,
        operationOf(method, route, ordinal, { headers: demanded, cost: options.costOf(method) }, catalog),
      );
    }
  }
  return {
    openapi: '3.1.0',
    info: infoOf(name),
    servers: [{ url: 'http://127.0.0.1:8080', description: 'A ppuri on this machine.' }],
    security: SECURITY,
    tags: services.map((service) => ({ name: service.name, description: sentences(commentOf(service)) })),
    paths: Object.fromEntries([...paths].map(([path, verbs]) => [path, Object.fromEntries(verbs)])),
    components: {
      securitySchemes: securitySchemes(),
      parameters: { ...headerParameters(options.call, demands), [CONTENT_DIGEST]: contentDigest() },
      ...errorComponents(),
      schemas: { ...catalog.schemas(), ...errorSchemas() },
    },
  };
}

function infoOf(name: string): JsonObject {
  return {
    title: 'ppuri',
    summary: `${name} over REST.`,
    description:
      'Wallets, transfers and sprinkles. Printed from the contracts in proto/, which gRPC callers share. Property ' +
      'names are snake_case; integers of 64 bits are strings (in requests numbers are taken, too); every ' +
      'error has the shape of google.rpc.Status. Every call is signed with HTTP Message Signatures (RFC 9421); ' +
      'docs/signing.md says how.',
    version: name.split('.').at(-1),
    license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
  };
}

/** The operations of a path. OpenAPI takes paths that differ only in the names of their fields for the same one. */
function verbsAt(
  paths: Map<string, Map<string, JsonObject>>,
  path: string,
  method: DescMethod,
): Map<string, JsonObject> {
  const shape = (template: string) => template.replace(/\{[^}]*\}/g, '{}');
  const known = [...paths.keys()].find((other) => shape(other) === shape(path));
  if (known !== undefined && known !== path) {
    throw new Error(`${method.toString()}: ${path} and ${known} differ only in the names of their fields`);
  }
  const verbs = paths.get(path) ?? new Map<string, JsonObject>();
  paths.set(path, verbs);
  return verbs;
}
