// The progress of `npm run payout`: a bar that fits the terminal, and in a log a line every few seconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barOf, createProgress } from '../../scripts/cli/progress.ts';

const step = (done: number, of = 100_000, note = '') => ({ what: 'paying lines', done, of, note });

function screen(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 80, write: (text: string) => written.push(text) };
}

test('the bar is as long as what is done, and fits', () => {
  assert.equal(
    barOf(step(50_000), 200),
    `paying lines ${'█'.repeat(14)}${'░'.repeat(14)}  50 %  50,000 of 100,000`,
  );
  assert.match(barOf(step(0), 200), /^paying lines ░+ {3}0 % /);
  assert.match(barOf(step(99_999), 200), /█░ {2}99 % /, 'it is not full before the end');
  assert.match(barOf(step(0, 0), 200), /█ 100 % /);
  for (const columns of [20, 60, 80, 120])
    assert.ok(barOf(step(66_000, 100_000, '12 failed, 40,441/s, 1 s to go'), columns).length < columns);
});

test('on a terminal one line is written over and over, and left standing at the end', () => {
  const tty = screen(true);
  const progress = createProgress(tty);
  progress.show(step(1));
  progress.show(step(2));
  progress.log('a word');
  progress.show({ ...step(3), what: 'something else' });
  progress.end();
  progress.end();
  const lines = tty.written.join('').split('\n');
  assert.equal(lines.length, 4);
  assert.ok(lines[0]?.endsWith('\r\x1b[Ka word'));
  assert.equal(lines[3], '');
});

test('in a log there is the first line, the last, and one every three seconds', () => {
  const log = screen(false);
  let now = 0;
  const progress = createProgress(log, () => now);
  for (const [at, done] of [
    [0, 0],
    [1000, 10_000],
    [3000, 30_000],
    [4000, 40_000],
    [5000, 100_000],
    [5400, 100_000],
  ] as const) {
    now = at;
    progress.show(step(done));
  }
  progress.end();
  assert.deepEqual(
    log.written.map((line) => /([\d,]+) of/.exec(line)?.[1]),
    ['0', '30,000', '100,000'],
  );
});
