// A process that calls evenly for some seconds under one limit, and prints what became of each call.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisDecision } from '../../src/admission/redis-admission.ts';
import { call, perUser, shareAmong } from './callers.ts';

const [url = '', prefix = '', calls = '0', durationMs = '0', rate = '0', burst = '0'] = process.argv.slice(2);
const {
  sharers: [shared],
  close,
} = await shareAmong(1, url, prefix);
if (!shared) throw new Error('there is no connection');

const startedAt = performance.now();
const decisions: Promise<RedisDecision>[] = [];
for (let made = 0; made < Number(calls); made++) {
  await sleep(startedAt + (made * Number(durationMs)) / Number(calls) - performance.now());
  decisions.push(shared.admit(call({ limits: [perUser(Number(rate), Number(burst))] })));
}
console.log(JSON.stringify(await Promise.all(decisions)));
close();
