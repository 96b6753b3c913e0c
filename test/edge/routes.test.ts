// One rule for every REST route: what stands in the path is said there alone, and nothing is said that is not read.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RestRoute, RPCS, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { asker, saidOf } from './ask-rest.ts';

const [ANNA, BO] = [8711, 8712];
const skip = withoutEdge;
let stack: Stack;
let ask: ReturnType<typeof asker>;
before(async () => {
  if (skip) return;
  stack = await startStack({ edge: true });
  ask = asker(stack, ANNA);
  await stack.addUsers([ANNA, BO]);
});
after(() => stack?.stop());

/** Every REST route with the names of the fields in its path. */
const ROUTES = [...RPCS.values()].flatMap((rpc) => {
  const route = restRouteOf(rpc);
  if (!route) return [];
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const names = inPath.map((name) => rpc.input.fields.find((field) => field.name === name));
  return [
    {
      ...route,
      rpc,
      inPath,
      spellings: names.flatMap((field) => [field?.name ?? '', field?.jsonName ?? '']),
    },
  ];
});

const pathOf = ({ path }: RestRoute) =>
  path.replaceAll(/\{(\w+)\}/g, (_field, name: string) =>
    name.endsWith('user_id') ? String(BO) : name === 'token' ? 'aB3' : crypto.randomUUID(),
  );

test('on every route, a field of the path is refused in the query and in the body', {
  skip,
}, async () => {
  let tried = 0;
  for (const route of ROUTES) {
    for (const name of route.spellings) {
      const path = pathOf(route);
      const escaped = `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
      for (const spelling of [name, escaped]) {
        const came = await ask(route.method, `${path}?${spelling}=1`, route.hasBody ? '{}' : undefined);
        assert.match(saidOf(came), /: stands in the path already$/, `${path}?${spelling}`);
        tried += 1;
      }
      if (!route.hasBody) continue;
      const came = await ask(route.method, path, JSON.stringify({ [name]: '1' }));
      assert.match(saidOf(came), /: stands in the path already$/, `${path} ${name}`);
    }
  }
  assert.ok(tried >= 76, String(tried));
});

test('on every route, a query is refused that is unknown, said twice, or belongs into the body', {
  skip,
}, async () => {
  for (const route of ROUTES) {
    const path = pathOf(route);
    const body = route.hasBody ? '{}' : undefined;
    assert.equal(
      saidOf(await ask(route.method, `${path}?nothing=1`, body)),
      'nothing: is not a field of this call',
    );
    const field = route.rpc.input.fields.find(
      ({ name, fieldKind }) => fieldKind === 'scalar' && !route.inPath.includes(name),
    );
    if (!field) continue;
    const came = await ask(route.method, `${path}?${field.name}=1&${field.jsonName}=1`, body);
    assert.equal(
      saidOf(came),
      route.hasBody ? `${field.name}: must be in the body` : `${field.name}: is there twice`,
    );
  }
});

test('on every route, a slash at the end is another path, and there is none', { skip }, async () => {
  for (const route of ROUTES) {
    const came = await ask(route.method, `${pathOf(route)}/`, route.hasBody ? '{}' : undefined);
    assert.deepEqual([came.status, came.reason], [404, 'ROUTE_NOT_FOUND'], route.path);
  }
});

test('an integer in a path is one in plain digits', { skip }, async () => {
  for (const id of ['007', '+7', '7.0', '0x7', '7e0', '%20', '-0']) {
    const said = saidOf(await ask('GET', `/api/v1/users/${id}`));
    assert.equal(said, 'user_id: must be a whole number, in digits only', id);
  }
});

test('a value of a query is text in UTF-8, percent-encoded', { skip }, async () => {
  for (const value of ['%ff', '%c0%80', '%00', '%2', '%', '%zz', 'a%', '%ed%a0%80']) {
    const said = saidOf(await ask('GET', `/api/v1/wallet/transactions?page_token=${value}`));
    assert.equal(said, 'page_token: must be text in UTF-8', value);
  }
});
