// Requests for backups and drills, the list of backups that a worker reads, and the commands of operators that it runs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Pool } from '../../src/db/pool.ts';
import { requestRun, walArchive } from '../../src/db/recovery/index.ts';
import { BY_SCHEDULE, type RunRequest } from '../../src/domain/recovery.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { runCommand } from '../../src/worker/recovery/command.ts';
import { createRecoveryRunner } from '../../src/worker/recovery/index.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { SHORT_RECOVERY_TIMES } from './short-times.ts';
import { makeStandIn } from './stand-in.ts';

let database: TestDatabase;
let owner: pg.Pool;
let pool: Pool;
before(async () => {
  database = await makeDatabase();
  owner = ownerPool(database);
  pool = createTestPool(database.workerUrl);
});
after(async () => {
  await Promise.all([owner.end(), pool.end()]);
  await database.drop();
});

const request = (kind: RunRequest['kind'], requestedBy: string): RunRequest => {
  return { kind, isFull: false, requestedBy, key: undefined };
};
const seeWorker = (ago: string) =>
  owner.query('UPDATE recovery_workers SET seen_at = clock_timestamp() - $1::interval', [ago]);

test('the schedule asks a worker that restarts just then, and none that is gone for a day', async () => {
  await seeWorker('25 hours');
  assert.equal((await requestRun(pool, request('drill', BY_SCHEDULE))).kind, 'not configured');
  await seeWorker('10 minutes');
  assert.equal((await requestRun(pool, request('drill', 'a key'))).kind, 'not configured');
  assert.equal((await requestRun(pool, request('drill', BY_SCHEDULE))).kind, 'accepted');
});

test('who meets only runs that end just then is asked to try again', async () => {
  await seeWorker('0 seconds');
  // As if another run was under way at each try, and was done when somebody searched for it.
  await owner.query(`CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER leave_out BEFORE INSERT ON recovery_runs FOR EACH ROW EXECUTE FUNCTION leave_out()`);
  try {
    await assert.rejects(
      requestRun(pool, request('backup', 'a key')),
      (error) => error instanceof Refusal && error.reason === 'UNAVAILABLE',
    );
  } finally {
    await owner.query('DROP TRIGGER leave_out ON recovery_runs');
  }
});

test('a list that cannot be read is told, and the time of the last one stays', async () => {
  using backup = makeStandIn();
  const told: string[] = [];
  let done = 0;
  const observer = {
    recoveryRan: () => {
      done += 1;
    },
    trouble: (what: string, error: unknown) => void told.push(`${what}: ${error}`),
  };
  const tools = { pool, observer, times: SHORT_RECOVERY_TIMES };
  await using _runner = createRecoveryRunner(
    { backupCommand: backup.command, drillCommand: undefined },
    tools,
  );
  await seeWorker('0 seconds');
  const takeBackup = async (label: string, list: object) => {
    const record = { clusterId: '7577', label, kind: 'full' };
    backup.list(list);
    backup.answer({ print: record });
    const doneBefore = done;
    assert.equal((await requestRun(pool, request('backup', 'a key'))).kind, 'accepted');
    await until('the backup is done', () => done > doneBefore);
    return (await walArchive(pool)).listedAt;
  };
  const fails = { error: 'the storage is away' };
  const stored = { clusterId: '7577', label: 'b', kind: 'full', state: 'complete' };
  assert.equal(await takeBackup('a', fails), undefined);
  assert.deepEqual(told, ['listing backups: Error: the storage is away']);
  const emptyAt = await takeBackup('e', []);
  assert.ok(emptyAt !== undefined, 'an empty list is a list');
  const listedAt = await takeBackup('b', [stored]);
  assert.ok(listedAt !== undefined && listedAt > emptyAt);
  assert.equal(await takeBackup('c', fails), listedAt);
  assert.equal(told.length, 2);
  const { rows } = await owner.query('SELECT label FROM stored_backups ORDER BY label');
  assert.deepEqual(rows, [{ label: 'b' }, { label: 'c' }]);
});

test('a character that is split over two reads is one', async () => {
  // A pipe is read in pieces of 64 KiB, and each of these characters takes three bytes.
  const words = '한'.repeat(100_000);
  const print = `process.stdout.write('한'.repeat(100_000))`;
  const { output } = await runCommand(`'${process.execPath}' -e "${print}"`, AbortSignal.timeout(60_000));
  assert.ok(output === words, 'the words are as they were printed');
});

test('a command has ended when its shell has, whatever that left running', async () => {
  const late = AbortSignal.timeout(60_000);
  const [inGroup, outside] = await Promise.all([
    runCommand(`(trap '' TERM; exec sleep 600) &\necho done`, late),
    // It has left the group once it says its number, and it holds stdout.
    runCommand(`exec 3>&1; echo $(setsid sh -c 'echo $$; exec sleep 600 >&3' &); exit 3`, late),
  ]);
  process.kill(Number(outside.output), 'SIGKILL');
  assert.deepEqual([inGroup, outside.code, late.aborted], [{ code: 0, output: 'done\n' }, 3, false]);
});
