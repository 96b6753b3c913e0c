// What the commands of backups and drills print is read strictly: nothing of it can break a statement, a terminal or a worker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, readBackup, readBackups, readDrill } from '../../src/worker/recovery/reports.ts';

const BACKUP = { clusterId: '7577', label: '20261126T010000Z', kind: 'full', state: 'complete' };
const DRILL = { drill: 'backups', rtoSeconds: 1, booksOk: true };

test('what is no report is none', () => {
  for (const output of [
    '',
    'null',
    '[]',
    '7',
    '{',
    '"text"',
    '{"label": 1}',
    '{"rtoSeconds": "1", "booksOk": true}',
  ]) {
    assert.equal(readDrill(output), undefined, output);
    assert.equal(readBackup(output), undefined, output);
  }
  for (const output of ['', '{}', '[{}]', '[null]', JSON.stringify([{ ...BACKUP, state: 'splendid' }])])
    assert.equal(readBackups(output), undefined, output);
  assert.deepEqual(readBackups('[]'), []);
});

test('numbers and moments stay within what a column holds', () => {
  const wild = {
    timeline: 1e15,
    bytes: -1,
    storedBytes: 1.5,
    startedAt: '+275760-09-13T00:00:00Z',
    endedAt: 'soon',
  };
  const backup = readBackup(JSON.stringify({ ...BACKUP, ...wild }));
  assert.deepEqual(
    [backup?.timeline, backup?.bytes, backup?.storedBytes, backup?.startedAt, backup?.endedAt],
    [2 ** 31 - 1, 0, 0, undefined, undefined],
  );
  const drill = readDrill(
    JSON.stringify({ ...DRILL, rtoSeconds: 1e300, rpoSeconds: -5, lost: 'many', backups: 'all' }),
  );
  assert.deepEqual([drill?.rtoSeconds, drill?.rpoSeconds, drill?.lost, drill?.backups], [0, 0, 0, []]);
});

test('texts have no control characters and an end', () => {
  const label = `\u0000\u001b[2J${'x'.repeat(500)}`;
  assert.equal(readBackup(JSON.stringify({ ...BACKUP, label }))?.label, `[2J${'x'.repeat(97)}`);
  const error = failureOf({
    code: 1,
    output: JSON.stringify({ error: `no\u0000 space\r\n\ud800${'!'.repeat(900)}` }),
  });
  assert.match(error, /^no {2}space !+$/);
  assert.equal(error.length, 500);
});

test('a backup that is listed twice is one', () => {
  assert.equal(readBackups(JSON.stringify([BACKUP, BACKUP]))?.length, 1);
});

test('without a reason, how it ended is the reason', () => {
  const reason = (code: number | null) => failureOf({ code, output: 'Error: postgres://me:secret@host' });
  assert.equal(reason(null), 'the command was ended by a signal');
  assert.match(reason(127), /^the shell did not find the command/);
  assert.equal(reason(3), 'the command ended with exit code 3 and printed no reason');
});
