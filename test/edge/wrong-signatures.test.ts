// A connection over which nothing but wrong signatures comes is answered 429 after fifty; nobody else is.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { actingAs } from '../api.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge as skip } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { sentOn } from './wire.ts';

const ANNA = 9891;
const TARGET = '/api/v1/wallet/balance';
let stack: Stack;
let edge: Envoy;
let forger: SigningKey;
const agents: Agent[] = [];

before(async () => {
  if (skip) return;
  stack = await startStack();
  edge = await startTestEdge(stack.logDir, [stack.app.grpcPort]);
  await stack.addUsers([ANNA]);
  forger = { ...stack.key, secret: Buffer.alloc(32, 1) } as SigningKey;
});
after(async () => {
  for (const agent of agents) agent.destroy();
  await edge?.stop();
  await stack?.stop();
});

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** Calls over one connection of its own, one after the other. */
function connection(): (key: SigningKey) => Promise<Answered> {
  const { hostname, port } = new URL(edge.restUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return (key) => {
    const body = Buffer.alloc(0);
    const headers = signedHeaders({ method: 'GET', target: TARGET, body }, actingAs(ANNA), key);
    return new Promise((resolve, reject) => {
      const outgoing = request({ hostname, port, agent, path: TARGET, headers }, async (answer) => {
        let text = '';
        for await (const chunk of answer) text += chunk;
        resolve({ status: answer.statusCode ?? 0, text, retryAfter: answer.headers['retry-after'] });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  };
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
