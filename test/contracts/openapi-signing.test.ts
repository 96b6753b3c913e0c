// What the OpenAPI documents say of signatures: every call carries one, over its body too, and where to read how.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Operation {
  readonly parameters?: readonly { readonly $ref?: string }[];
  readonly requestBody?: unknown;
}

interface OpenApi {
  readonly security: unknown;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly parameters: Readonly<Record<string, { readonly schema: { readonly pattern: string } }>>;
  };
}

for (const name of ['wallet.v1', 'wallet.v2']) {
  test(`${name}: every call is signed, and where there is a body, that too`, () => {
    const file = new URL(`../../gen/openapi/${name}.json`, import.meta.url);
    const { security, paths, components } = JSON.parse(readFileSync(file, 'utf8')) as OpenApi;
    assert.deepEqual(security, [{ 'signature-input': [], signature: [] }]);
    for (const header of ['signature-input', 'signature']) {
      const scheme = components.securitySchemes[header];
      assert.deepEqual([scheme?.type, scheme?.in, scheme?.name], ['apiKey', 'header', header]);
      assert.match(scheme?.description ?? '', /docs\/signing\.md/);
    }
    for (const [path, operations] of Object.entries(paths)) {
      for (const { parameters = [], requestBody } of Object.values(operations)) {
        const refs = parameters.map(({ $ref }) => $ref);
        const isSaid = refs.includes('#/components/parameters/content-digest');
        assert.equal(isSaid, requestBody !== undefined, path);
      }
    }
    const pattern = new RegExp(components.parameters['content-digest']?.schema.pattern ?? '', 'u');
    assert.match('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:', pattern);
  });
}
