// What is sealed and never read to its end: a source that fails is an error of who reads, and no crash.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { seal } from '../../scripts/recovery/sealed-stream.ts';
import type { Content } from '../../scripts/recovery/storage.ts';

async function* failingAfter(ms: number): Content {
  yield await sleep(ms).then(() => Promise.reject(new Error('the source broke')));
}

test('a source that fails, before anybody reads and later', async () => {
  const recipient = await identityToRecipient(await generateIdentity());
  for (const recipients of [[], [recipient]])
    for (const ms of [0, 20, 100]) {
      const sealed = await seal(failingAfter(ms), recipients);
      // By now a source that flowed by itself would have failed.
      await sleep(50);
      const read = async () => {
        for await (const _ of sealed);
      };
      await assert.rejects(read(), /the source broke/, `${recipients.length} recipients, after ${ms} ms`);
    }
});
