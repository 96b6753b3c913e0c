// The OpenAPI documents against the contracts: every route is there, and they say what the contracts require.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createFileRegistry, type DescMethod, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { contractOptions, routesOf } from '../../scripts/contracts/openapi/contracts.ts';

interface Node {
  readonly [key: string]: Node;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Node[];
  readonly responses: Node;
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Node;
}

const gen = new URL('../../gen/', import.meta.url);
const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(new URL('descriptor.binpb', gen))),
);
const options = contractOptions([...registry.files]);
const v1 = read('wallet.v1');
const v2 = read('wallet.v2');

for (const [name, document] of Object.entries({ 'wallet.v1': v1, 'wallet.v2': v2 })) {
  describe(`routes in the OpenAPI document of ${name}`, () => {
    const methods = methodsOf(name);

    it('has every RPC that has an http rule, and nothing else', () => {
      const wanted = methods.flatMap((method) =>
        routes(method).map(({ verb, path }) => `${verb} ${path} ${method.parent.name}_${method.name}`),
      );
      const there = operations(document).map(
        ({ verb, path, operation }) => `${verb} ${path} ${operation.operationId.replace(/_\d+$/, '')}`,
      );
      assert.ok(wanted.length > 0);
      assert.deepEqual(there.toSorted(), wanted.toSorted());
    });

    it('names each operation once', () => {
      const ids = operations(document).map(({ operation }) => operation.operationId);
      assert.equal(new Set(ids).size, ids.length);
    });

    it('requires the headers that the option of the RPC requires, and no others', () => {
      const byRequirement = {
        acting_user: 'x-user-id',
        room: 'x-room-id',
        idempotency_key: 'idempotency-key',
      };
      for (const method of methods) {
        const demanded = options
          .requiredHeaders(method)
          .map((requirement) => byRequirement[requirement as keyof typeof byRequirement]);
        for (const { verb, path } of routes(method)) {
          const parameters = parametersOf(document, document.paths[path]?.[verb]);
          const headers = parameters.filter((parameter) => is(parameter.in, 'header'));
          const required = headers.filter((parameter) => is(parameter.required, true));
          assert.deepEqual(
            required.map(({ name }) => name).toSorted(),
            demanded.toSorted(),
            method.toString(),
          );
          assert.ok(headers.every((parameter) => parameter.description));
        }
      }
    });

    it('requires every field of a path as a parameter', () => {
      for (const { path, operation } of operations(document)) {
        const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, field]) => field);
        const parameters = parametersOf(document, operation).filter(({ in: place }) => is(place, 'path'));
        assert.deepEqual(
          parameters.map(({ name }) => name),
          names,
          path,
        );
        assert.ok(parameters.every(({ required }) => is(required, true)));
      }
    });
  });

  describe(`the OpenAPI document of ${name}`, () => {
    it('has what every $ref points to, and refers to every schema', () => {
      const refs = refsIn(document);
      for (const ref of refs) assert.ok(resolve(document, ref), `${ref} points nowhere`);
      for (const schema of Object.keys(document.components.schemas ?? {})) {
        assert.ok(refs.has(`#/components/schemas/${schema}`), `nothing refers to ${schema}`);
      }
    });

    it('lists the failures of every operation, all in one shape', () => {
      for (const { path, operation } of operations(document)) {
        for (const status of [200, 400, 401, 403, 404, 409, 429, 500, 503, 504, 'default']) {
          assert.ok(operation.responses[status], `${path} does not list ${status}`);
        }
      }
      for (const answer of Object.values(document.components.responses ?? {})) {
        const schema = answer.content?.['application/json']?.schema;
        assert.deepEqual(schema, { $ref: '#/components/schemas/google.rpc.Status' });
      }
      assert.ok(document.components.responses?.TooManyRequests?.headers?.['Retry-After']);
    });

    it('says one type everywhere, in types, enums and patterns of alternatives, as generators of clients need it', () => {
      const unreadable: string[] = [];
      const see = (node: unknown, path: string) => {
        if (typeof node !== 'object' || node === null) return;
        const { type, enum: values, oneOf, anyOf, discriminator } = node as Record<string, unknown>;
        const isSchema = !path.endsWith('/properties');
        if (isSchema && Array.isArray(type)) unreadable.push(`${path}: several types`);
        const kinds = new Set(Array.isArray(values) ? values.map((value) => typeof value) : []);
        if (isSchema && kinds.size > 1) unreadable.push(`${path}: an enum of several types`);
        if ((oneOf || anyOf) && !discriminator && !path.endsWith('/not/not'))
          unreadable.push(`${path}: alternatives that nothing tells apart`);
        if (
          '$ref' in node &&
          Object.keys(node).some((key) => !['$ref', 'description', 'deprecated'].includes(key))
        )
          unreadable.push(`${path}: rules beside a $ref`);
        for (const [key, value] of Object.entries(node)) see(value, `${path}/${key}`);
      };
      see(document, '');
      assert.deepEqual(unreadable, []);
    });

    it('has patterns that ECMA-262 reads with the u flag', () => {
      const patterns = JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g);
      for (const [, pattern = ''] of patterns) new RegExp(JSON.parse(pattern), 'u');
    });
  });
}

/** The fields of ListTransactionsRequest besides the wallet, which is in the path. */
const IN_QUERY_OF_LIST = [
  ...[
    'page_size',
    'page_token',
    'kinds',
    'created_from',
    'created_before',
    'reference',
    'label_key',
    'label_value',
  ],
  ...['counterparty_wallet_id', 'counterparty_user_id', 'minor_units_from', 'minor_units_to'],
];

describe('what the OpenAPI documents say exactly', () => {
  it('bounds the amount of a v1 transfer, a string of digits', () => {
    const { properties, required } = schemaOf(v1, 'TransferRequest');
    assert.deepEqual(properties?.amount, {
      type: 'string',
      format: 'int64',
      pattern: properties?.amount?.pattern,
      description: 'Whole won, 1 to 9,007,199,254,740,991.',
    });
    const text = new RegExp(String(properties?.amount?.pattern), 'u');
    for (const amount of ['1', '10', '8999999999999999', '9007199254740990', '9007199254740991']) {
      assert.match(amount, text);
    }
    for (const amount of [
      '0',
      '-1',
      '01',
      '1.0',
      '9007199254740992',
      '9100000000000000',
      '10000000000000000',
    ]) {
      assert.doesNotMatch(amount, text);
    }
    assert.deepEqual(required, ['to_user_id', 'amount']);
  });

  it('bounds the amount of a v2 transfer by the CEL rule on it, and requires one destination', () => {
    const { properties, required, not } = schemaOf(v2, 'CreateTransferRequest');
    const [money, bounds] = Object.values(properties?.amount?.allOf ?? {});
    assert.deepEqual(money, { $ref: '#/components/schemas/MoneyInput' });
    const text = new RegExp(String(bounds?.properties?.minor_units?.pattern), 'u');
    assert.match('9007199254740991', text);
    for (const amount of ['0', '-1', '9007199254740992']) assert.doesNotMatch(amount, text);
    assert.deepEqual(bounds?.required, ['minor_units']);
    assert.deepEqual(required, ['debit_wallet_id', 'amount']);
    const oneOf = [{ required: ['credit_wallet_id'] }, { required: ['credit_user_id'] }];
    assert.deepEqual(not, { not: { oneOf } });
  });

  it('knows what a token looks like', () => {
    const { get } = v1.paths['/api/v1/sprinkles/{token}'] ?? {};
    const token = parametersOf(v1, get).find(({ name }) => is(name, 'token'));
    assert.deepEqual(token?.schema, { type: 'string', pattern: '^[A-Za-z0-9]{3}$' });
  });

  it('prints 64-bit integers as strings and says which properties are always there', () => {
    const { properties, required } = schemaOf(v1, 'Transaction');
    assert.deepEqual([properties?.amount?.type, properties?.amount?.format], ['string', 'int64']);
    assert.deepEqual([properties?.created_at?.type, properties?.created_at?.format], ['string', 'date-time']);
    const always = ['transaction_id', 'kind', 'amount', 'balance_after', 'counterparty_user_id', 'memo'];
    assert.deepEqual(required, always);
  });

  it('leaves what is in the path out of the body', () => {
    const { properties } = schemaOf(v2, 'ClaimSprinkleRequestBody');
    assert.deepEqual(Object.keys(properties ?? {}), ['wallet_id', 'nonce']);
    assert.deepEqual([properties?.wallet_id?.type, properties?.wallet_id?.format], ['string', 'uuid']);
  });

  it('has the query parameters of a list', () => {
    const { get } = v2.paths['/api/v2/wallets/{wallet_id}/transactions'] ?? {};
    const inQuery = parametersOf(v2, get).filter(({ in: place }) => is(place, 'query'));
    assert.deepEqual(
      inQuery.map(({ name }) => name),
      IN_QUERY_OF_LIST,
    );
    const kinds = inQuery.find(({ name }) => is(name, 'kinds'))?.schema;
    assert.deepEqual([kinds?.maxItems, kinds?.uniqueItems], [20, true]);
    const kind = resolve(v2, String(kinds?.items?.$ref));
    assert.ok(Object.values(kind?.enum ?? {}).every((name) => String(name) !== 'TRANSFER_KIND_UNSPECIFIED'));
  });
});

function read(name: string): OpenApi {
  const document = JSON.parse(readFileSync(new URL(`openapi/${name}.json`, gen), 'utf8')) as OpenApi;
  assert.equal(document.openapi, '3.1.0');
  return document;
}

function methodsOf(name: string): DescMethod[] {
  return [...registry.files]
    .filter((file) => file.proto.package === name)
    .flatMap((file) => file.services)
    .flatMap((service) => service.methods)
    .filter((method) => options.httpRule(method));
}

function routes(method: DescMethod): { verb: string; path: string }[] {
  const rule = options.httpRule(method);
  return rule ? routesOf(method, rule) : [];
}

function operations({ paths }: OpenApi): { path: string; verb: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation })),
  );
}

function parametersOf(document: OpenApi, operation: Operation | undefined): Node[] {
  assert.ok(operation);
  return (operation.parameters ?? []).map((parameter) => {
    const ref: unknown = parameter.$ref;
    const found = typeof ref === 'string' ? resolve(document, ref) : parameter;
    assert.ok(found);
    return found;
  });
}

function schemaOf(document: OpenApi, name: string): Node {
  const schema = document.components.schemas?.[name];
  assert.ok(schema, name);
  return schema;
}

function resolve(document: OpenApi, ref: string): Node | undefined {
  const [start, ...steps] = ref.split('/');
  assert.equal(start, '#');
  return steps.reduce<Node | undefined>((node, step) => node?.[step], document as unknown as Node);
}

function refsIn(document: OpenApi): Set<string> {
  const found = new Set<string>();
  JSON.stringify(document, (key, value: unknown) => {
    if (key === '$ref') found.add(String(value));
    if (key === 'mapping') for (const ref of Object.values(value as object)) found.add(String(ref));
    return value;
  });
  return found;
}

function is(node: Node | undefined, value: unknown): boolean {
  return (node as unknown) === value;
}
