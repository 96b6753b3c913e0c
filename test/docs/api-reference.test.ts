// The API reference: complete in both languages, with an example of every call, and with links that lead somewhere.
// What no release has yet may still lack its Korean texts and examples, so that adding an RPC needs neither; with RELEASE=1 they are
// missed, too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Operation, readServices } from '../../scripts/api-reference/operations.ts';
import { serveApiReference } from '../../scripts/api-reference/serve.ts';
import { apiReference } from '../../scripts/api-reference/site.ts';
import { readKorean } from '../../scripts/api-reference/words.ts';
import { FROM_RULES } from '../../scripts/contracts/reasons.ts';
import { findFree } from '../../scripts/dev/ports.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { SEEN_ELSEWHERE } from './api-examples/refusals.ts';

const missing = new Set<string>();
const used = new Set<string>();
const FILES = apiReference({ onMissing: (text) => missing.add(text), onUse: (text) => used.add(text) });
const PAGES = [...FILES].filter(([path]) => path.endsWith('.html'));
const OPERATIONS = readServices().flatMap(({ operations }) => operations);
const RELEASED = releasedRpcs();
const isOwed = ({ rpc }: Operation) => RELEASED.has(rpc) || process.env.RELEASE !== undefined;

/** The RPCs of the last release, by their full names. */
function releasedRpcs(): Set<string> {
  const image = readFileSync(new URL('../../proto/released.binpb', import.meta.url));
  const { file } = fromBinary(FileDescriptorSetSchema, image);
  const services = file.flatMap((one) => one.service.map((service) => ({ ...service, of: one.package })));
  return new Set(
    services.flatMap(({ of, name, method }) => method.map((one) => `${of}.${name}/${one.name}`)),
  );
}

/** What the contract says about a call. */
function textsOf({ description, answerDescription, request, answer }: Operation): string[] {
  const fields = [...request, ...answer];
  const values = fields.flatMap((field) => field.values.map(({ meaning }) => meaning));
  return [description, answerDescription, ...fields.map((field) => field.description), ...values];
}

test('every text has a Korean one in docs/api/ko.json, which has no others', () => {
  const newer = new Set(OPERATIONS.filter((operation) => !isOwed(operation)).flatMap(textsOf));
  assert.deepEqual(
    [...missing].filter((text) => !newer.has(text)),
    [],
  );
  assert.deepEqual(
    Object.keys(readKorean()).filter((text) => !used.has(text)),
    [],
  );
});

test('a Korean text has the code, the names and the large numbers of the English one', () => {
  const kept = (text: string) =>
    (text.match(/`[^`]+`|[A-Z]+(?:_[A-Z]+)+|\d[\d,]{3,}\d|\{\w+\}/g) ?? []).toSorted();
  for (const [english, korean] of Object.entries(readKorean())) assert.deepEqual(kept(korean), kept(english));
});

test('every RPC of wallet.v1 and wallet.v2 has a page and an example, and every field a description', () => {
  const rpcs = [...CONTRACTS.keys()].map((path) => path.slice(1)).filter((rpc) => rpc.startsWith('wallet.'));
  assert.deepEqual(OPERATIONS.map(({ rpc }) => rpc).toSorted(), rpcs.toSorted());
  for (const operation of OPERATIONS) {
    const { rpc, examples, request, answer } = operation;
    assert.ok(
      examples.done || !isOwed(operation),
      `${rpc} has no example: test/docs/api-examples makes them`,
    );
    for (const { path, description, values } of [...request, ...answer]) {
      assert.ok(description, `${rpc}: ${path} has no comment in its contract`);
      for (const { name, meaning } of values) assert.ok(meaning, `${rpc}: ${name} has no comment`);
    }
  }
});

test('every reason that an RPC declares has an example, or a test that sees it', () => {
  const shown = OPERATIONS.flatMap(({ rpc, examples }) =>
    Object.keys(examples.refused).map((reason) => `${rpc} ${reason}`),
  );
  const complete = OPERATIONS.filter((operation) => operation.examples.done || isOwed(operation));
  const declared = complete.flatMap(({ rpc, reasons }) =>
    reasons.filter((reason) => !FROM_RULES.includes(reason)).map((reason) => `${rpc} ${reason}`),
  );
  assert.deepEqual(
    declared.filter((one) => !shown.includes(one)),
    Object.keys(SEEN_ELSEWHERE).toSorted((a, b) => declared.indexOf(a) - declared.indexOf(b)),
  );
});

test('every link leads to a file, and to a place in it', () => {
  const ids = new Map(
    PAGES.map(([path, text]) => [path, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
  );
  for (const [path, text] of PAGES) {
    const links = [...text.matchAll(/(?:href|src)="(?!data:)([^"]+)"/g)].map(([, link = '']) => link);
    assert.ok(links.length > 10);
    for (const link of links) {
      const [to = '', id] = link.split('#');
      const target = to === '' ? path : posix.join(dirname(path), to);
      assert.ok(FILES.has(target), `${path}: ${link}`);
      if (id) assert.ok(ids.get(target)?.has(id), `${path}: ${link}`);
    }
  }
});

test('it is served out of memory: its files and nothing else', async () => {
  const [port = 0] = await findFree(1);
  await using server = await serveApiReference(port);
  const ask = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init);
  const page = await ask('ko/');
  assert.equal(page.status, 200);
  assert.equal(await page.text(), FILES.get('ko/index.html'));
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/);
  assert.equal((await ask('wallet.v2.json')).headers.get('content-type'), 'application/json; charset=utf-8');
  for (const path of ['nothing.html', '..%2fpackage.json', '__proto__', 'ko'])
    assert.equal((await ask(path)).status, 404, path);
  assert.equal((await ask('index.html', { method: 'POST', body: 'x' })).status, 404);
});
