// Logs transfers into a folder on a disk that fills up; run by log-files.test.ts. Once lines are lost it makes room by
// removing the file `filler`, goes on, and prints what it counted and what the log holds then.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogs } from '../../src/runtime/logs.ts';
import { someTransfer } from './transfers.ts';

const disk = process.argv[2] ?? '';
const folder = join(disk, 'log');
const logs = createLogs({ folder, stdout: 'none', level: 'info' });
const counts = () => logs.counts().transactions ?? { written: 0, failures: 0, lost: 0 };
let sent = 0;
const tookMs: number[] = [];
const send = (count: number) => {
  for (const end = sent + count; sent < end; sent++) {
    const startedAt = performance.now();
    logs.posted(someTransfer(), `request-${sent}`, undefined);
    tookMs.push(performance.now() - startedAt);
  }
};
while (counts().lost === 0) {
  send(500);
  await sleep(10);
}
const full = { ...counts() };
rmSync(join(disk, 'filler'));
// Nobody logs meanwhile: the log goes on by itself.
while (counts().written + counts().lost < sent) await sleep(50);
send(100);
await logs[Symbol.asyncDispose]();
const text = readFileSync(join(folder, 'transactions.log'), 'utf8');
// Not the slowest: on a busy machine any call may have to wait for its turn.
const slowMs = tookMs.sort((a, b) => a - b)[Math.floor(0.99 * tookMs.length)];
console.log(JSON.stringify({ sent, slowMs, full, after: counts(), text }));
