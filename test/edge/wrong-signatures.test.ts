// A connection over which nothing but wrong signatures comes is answered 429 after fifty; nobody else is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge as skip } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type Answered, restConnection } from './rest-connection.ts';
import { sentOn } from './wire.ts';

const ANNA = 9891;
let stack: Stack;
let edge: Envoy;
let forger: SigningKey;
const closers: (() => void)[] = [];

before(async () => {
  if (skip) return;
  stack = await startStack();
  edge = await startTestEdge(stack.logDir, [stack.app.grpcPort]);
  await stack.addUsers([ANNA]);
  forger = { ...stack.key, secret: Buffer.alloc(32, 1) } as SigningKey;
});
after(async () => {
  for (const close of closers) close();
  await edge?.stop();
  await stack?.stop();
});

/** A connection that ends with the tests. */
function connection(): (key: SigningKey) => Promise<Answered> {
  const { call, close } = restConnection(edge.restUrl, ANNA);
  closers.push(close);
  return call;
}

/** Makes forged calls; the status of each. */
async function forge(call: (key: SigningKey) => Promise<Answered>, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let made = 0; made < count; made++) statuses.push((await call(forger)).status);
  return statuses;
}

test('after fifty wrong signatures a connection waits, and no other one does', { skip }, async () => {
  const theirs = connection();
  assert.deepEqual(new Set(await forge(theirs, 50)), new Set([401]));
  await forge(theirs, 20);
  const before = await sentOn(edge.adminUrl);
  const { status, text, retryAfter } = await theirs(forger);
  assert.deepEqual([status, retryAfter], [429, '1']);
  assert.match(text, /ERR008.*RATE_LIMITED|RATE_LIMITED.*ERR008/);
  assert.equal(await sentOn(edge.adminUrl), before);
  assert.equal((await connection()(stack.key)).status, 200);
  // One is forgotten each second, so that a client that has its key put right needs no new connection.
  let answer = await theirs(stack.key);
  for (let tries = 0; answer.status === 429 && tries < 100; tries++) {
    await sleep(500);
    answer = await theirs(stack.key);
  }
  assert.equal(answer.status, 200);
});

test('a connection over which a call succeeded is not limited for the wrong ones of others', {
  skip,
}, async () => {
  const shared = connection();
  assert.equal((await shared(stack.key)).status, 200);
  assert.deepEqual(new Set(await forge(shared, 150)), new Set([401]));
  assert.equal((await shared(stack.key)).status, 200);
});
