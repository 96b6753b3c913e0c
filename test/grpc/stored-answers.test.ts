// Every RPC that keeps answers can have them written again, under the type that its contract gives them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCS } from '../../clients/typescript/src/contracts.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { answerWriters, responseTypeOf } from '../../src/grpc/stored-answers.ts';
import type { Core } from '../../src/usecases/core.ts';

const KEEPING = [...CONTRACTS].filter(([, { rules }]) => rules.idempotencyKey).map(([path]) => path.slice(1));

test('every RPC with an idempotency key says how its answer is written', () => {
  assert.deepEqual([...answerWriters({} as Core).keys()].sort(), [...KEEPING].sort());
});

test('the type of an answer is that of its contract', () => {
  for (const rpc of KEEPING) assert.equal(responseTypeOf(rpc), RPCS.get(rpc)?.output.typeName);
});
