// The examples of the API reference are real: docs/api/examples.json is what the calls were answered with.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { noonZone } from '../noon.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { closedWallets } from './api-examples/closed-wallets.ts';
import { ofEndedSprinkles } from './api-examples/ended-sprinkles.ts';
import { events } from './api-examples/events.ts';
import { ofFullAccounts, ofPayouts } from './api-examples/full-accounts.ts';
import { gifts, ofGifts } from './api-examples/gifts.ts';
import { holds, ofHolds } from './api-examples/holds.ts';
import { limits } from './api-examples/limits.ts';
import { firstVersion, payouts, sprinkles, statement, transfers } from './api-examples/money.ts';
import { people, rooms } from './api-examples/people.ts';
import { receipts } from './api-examples/receipts.ts';
import { Recorder } from './api-examples/recorder.ts';
import { ofRefunds, refunds } from './api-examples/refunds.ts';
import { ofPeople, ofSprinkles, ofTransfers, ofWallets, QUOTAS } from './api-examples/refusals.ts';
import { watchedSprinkles, watchedWallets } from './api-examples/watching.ts';
import { webhooks } from './api-examples/webhooks.ts';

const FILE = new URL('../../docs/api/examples.json', import.meta.url);

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge, env: { ...QUOTAS, LIMITS_TIME_ZONE: noonZone() } });
});
after(() => stack.stop());

test('docs/api/examples.json is what the product answers (UPDATE_GOLDEN=1 writes it again)', {
  skip: withoutEdge,
}, async () => {
  const record = new Recorder(stack.rest);
  const scene = await people(record);
  await rooms(record);
  await transfers(record, scene);
  await statement(record, scene, stack);
  await receipts(record, scene, stack);
  // First, because the one who claims has an empty wallet, and wallet.v1 does not show what is in it.
  const made = await sprinkles(record, scene);
  await firstVersion(record);
  const cancelled = await payouts(record, scene, stack);
  await holds(record, scene);
  await gifts(record);
  await events(record, stack);
  await refunds(record, scene);
  await ofPeople(record);
  await ofTransfers(record, scene);
  await ofWallets(record, scene);
  await ofHolds(record, scene, stack);
  await ofGifts(record, scene, stack);
  await ofRefunds(record, scene);
  await ofSprinkles(record, scene, made, stack);
  await ofEndedSprinkles(record, scene, stack);
  await ofPayouts(record, scene, cancelled, stack);
  await closedWallets(record, scene, stack);
  await ofFullAccounts(record, scene, made, stack);
  await watchedWallets(record, scene, stack);
  await watchedSprinkles(record, scene, stack);
  await limits(record, stack);
  await webhooks(record, stack);
  const printed = `${JSON.stringify(record.examples(), undefined, 2)}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(FILE, printed);
  const [answered, kept] = [printed.split('\n'), readFileSync(FILE, 'utf8').split('\n')];
  // Thousands of lines: only those around the first that differs say which call it is.
  const differs = answered.findIndex((line, index) => line !== kept[index]);
  const around = [Math.max(0, differs - 30), differs + 30] as const;
  assert.equal(answered.slice(...around).join('\n'), kept.slice(...around).join('\n'));
  assert.equal(answered.length, kept.length);
});
