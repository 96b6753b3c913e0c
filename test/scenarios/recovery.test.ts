// Backups and drills as operators start and list them. A stand-in takes the place of the real commands, which
// test/ops/recovery/service.test.ts runs.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from '../../clients/typescript/src/connection.ts';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import { createWorkerProgram, type WorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { type Answer, grpcClient, type Json } from '../api-client.ts';
import { commandsOf, runLine } from '../page-steps.ts';
import { workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { SHORT_RECOVERY_TIMES } from '../worker/short-times.ts';
import { makeStandIn, type StandIn } from '../worker/stand-in.ts';

const START_BACKUP = 'admin.v1.RecoveryService/StartBackup';
const START_DRILL = 'admin.v1.RecoveryService/StartDrill';
const LIST_BACKUPS = 'admin.v1.RecoveryService/ListBackups';
const LIST_DRILLS = 'admin.v1.RecoveryService/ListDrills';

const skip = withoutRedis;
let stack: Stack;
let redis: OwnRedis;
let backup: StandIn;
let drill: StandIn;
let worker: WorkerProgram | undefined;
before(async () => {
  if (skip) return;
  redis = await startOwnRedis();
  stack = await startStack();
  [backup, drill] = [makeStandIn(), makeStandIn()];
});
after(async () => {
  if (skip) return;
  await worker?.stop();
  await stack.stop();
  await redis.stop();
  backup[Symbol.dispose]();
  drill[Symbol.dispose]();
});

const startWorker = async () => {
  const env = { BACKUP_COMMAND: backup.command, DRILL_COMMAND: drill.command, LOG_STDOUT: 'none' };
  const config = readWorkerConfig({ ...workerEnv(stack.database, redis.url), ...env });
  worker = await createWorkerProgram(config, { recoveryTimes: SHORT_RECOVERY_TIMES });
};
const start = (rpc: string, key: string = crypto.randomUUID(), request: Json = {}): Promise<Answer> =>
  stack.grpc.call(rpc, request, { idempotencyKey: key });
const backups = async () => (await stack.grpc.call(LIST_BACKUPS, {})).list('backups');
const drills = async () => (await stack.grpc.call(LIST_DRILLS, {})).list('drills');
const listed = (id: unknown, state: string): Promise<Json> =>
  until(`${id} is ${state}`, async () =>
    [...(await backups()), ...(await drills())].find(
      (item) => (item.backup_id ?? item.drill_id) === id && item.state === state,
    ),
  );
const refusalOf = ({ status, code, reason }: Answer) => [status, code, reason];

const LABEL = '20261126T010000Z';
const CLUSTER = '7577000000000000001';
/** What `npm run backup -- --json` prints. */
const RECORD = {
  clusterId: CLUSTER,
  label: LABEL,
  kind: 'full',
  base: '',
  timeline: 1,
  startLsn: '0/2000028',
  endLsn: '0/2000120',
  startedAt: '2026-11-26T01:00:00.000Z',
  endedAt: '2026-11-26T01:02:00.000Z',
  bytes: 31_000_000,
  storedBytes: 4_000_000,
  isEncrypted: true,
};
/** What `npm run backup -- --list --json` prints of it. */
const LISTED = {
  ...RECORD,
  state: 'complete',
  lastWal: '000000010000000000000007',
  restorableUntil: '2026-11-26T05:00:00.000Z',
};
/** What `npm run drill -- backups --json` prints. */
const REPORT = {
  drill: 'backups',
  seed: 1,
  rtoSeconds: 12.5,
  rpoSeconds: 0.25,
  acknowledged: 1200,
  lost: 0,
  doubled: 0,
  stale: 0,
  booksOk: true,
  backups: [LABEL],
  backupEndedAt: RECORD.endedAt,
};

test('where no worker is set up for it, nothing is started and nothing waits', { skip }, async () => {
  for (const rpc of [START_BACKUP, START_DRILL])
    assert.deepEqual(refusalOf(await start(rpc)), [9, 'ERR006', 'RECOVERY_NOT_CONFIGURED']);
  assert.deepEqual([await backups(), await drills()], [[], []]);
});

test('bad requests are refused, each naming the field', { skip }, async () => {
  const without = await stack.grpc.call(START_BACKUP, {});
  assert.deepEqual([without.reason, without.fields], ['IDEMPOTENCY_KEY_REQUIRED', ['idempotency-key']]);
  for (const kind of ['BACKUP_KIND_INCREMENTAL', 7]) {
    const refused = await start(START_BACKUP, 'k', { kind });
    assert.deepEqual([refused.reason, refused.fields], ['INVALID_FIELD', ['kind']]);
  }
  for (const rpc of [LIST_BACKUPS, LIST_DRILLS]) {
    const size = await stack.grpc.call(rpc, { page_size: 101 });
    assert.deepEqual([size.reason, size.fields], ['INVALID_FIELD', ['page_size']]);
    const token = await stack.grpc.call(rpc, { page_token: 'bm9uZQ' });
    assert.deepEqual([token.reason, token.fields], ['INVALID_PAGE_TOKEN', ['page_token']]);
  }
});

test('a key without the scope admin may neither start nor list', { skip }, async () => {
  const made = await stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', {
    display_name: 'no admin',
    kind: 'API_KEY_KIND_HMAC_SHA256',
    scopes: ['SCOPE_READ', 'SCOPE_PAY', 'SCOPE_FUND'],
  });
  const key = hmacKey(String(made.at('api_key', 'key_id')), String(made.body.secret));
  const client = grpcClient(stack.grpcAddress, key);
  for (const rpc of [START_BACKUP, START_DRILL, LIST_BACKUPS, LIST_DRILLS])
    assert.equal((await client.call(rpc, {}, { idempotencyKey: 'k' })).reason, 'MISSING_SCOPE', rpc);
  client.close();
});

test('a backup is queued at once, done by the worker, and listed as it lies in storage', {
  skip,
}, async () => {
  await startWorker();
  backup.hold();
  const key = crypto.randomUUID();
  const full = { kind: 'BACKUP_KIND_FULL' };
  const started = await until('the worker is seen', async () => {
    const answer = await start(START_BACKUP, key, full);
    return answer.status === 0 ? answer : undefined;
  });
  const id = started.at('backup', 'backup_id');
  assert.ok(['BACKUP_STATE_QUEUED', 'BACKUP_STATE_RUNNING'].includes(String(started.at('backup', 'state'))));
  const running = await listed(id, 'BACKUP_STATE_RUNNING');
  assert.equal(running.requested_by, stack.key.keyId);
  await until('the command runs', () => backup.calls().length === 1);
  assert.deepEqual(backup.calls(), ['--full']);

  assert.equal(
    (await start(START_BACKUP, key, full)).at('backup', 'backup_id'),
    id,
    'the same key, the same backup',
  );
  assert.equal((await start(START_BACKUP, key)).reason, 'IDEMPOTENCY_KEY_REUSED');
  assert.equal((await start(START_DRILL, key)).reason, 'IDEMPOTENCY_KEY_REUSED');
  const connection = connect(stack.grpcAddress, stack.key);
  await assert.rejects(connection.call(START_BACKUP, {}, { idempotencyKey: 'another' }), (error) => {
    assert.ok(error instanceof PpuriError);
    assert.deepEqual([error.reason, error.metadata], ['RECOVERY_RUN_UNDER_WAY', { run_id: id }]);
    return true;
  });
  connection.close();

  backup.list([LISTED]);
  backup.answer({ print: RECORD });
  const done = await listed(id, 'BACKUP_STATE_COMPLETE');
  const { label, kind, base_label, bytes, stored_bytes, timeline, end_lsn, last_wal, error } = done;
  assert.deepEqual(
    { label, kind, base_label, bytes, stored_bytes, timeline, end_lsn, last_wal, error },
    {
      ...{
        label: LABEL,
        kind: 'BACKUP_KIND_FULL',
        base_label: '',
        bytes: '31000000',
        stored_bytes: '4000000',
      },
      ...{ timeline: 1, end_lsn: '0/2000120', last_wal: LISTED.lastWal, error: '' },
    },
  );
  assert.equal(done.ended_at, '2026-11-26T01:02:00Z');
  assert.equal(done.restorable_until, '2026-11-26T05:00:00Z');
  assert.equal((await backups()).length, 1, 'the run and what is in storage are one backup');
  assert.equal((await start(START_BACKUP, key, full)).at('backup', 'state'), 'BACKUP_STATE_COMPLETE');
  assert.equal(backup.calls().length, 1, 'it was taken once');
});

test('of those who start at once, one gets a backup and the others its id', { skip }, async () => {
  backup.hold();
  const answers = await Promise.all(Array.from({ length: 8 }, () => start(START_BACKUP)));
  const [accepted, ...more] = answers.filter(({ status }) => status === 0);
  assert.ok(accepted && more.length === 0);
  for (const answer of answers)
    if (answer !== accepted) assert.equal(answer.reason, 'RECOVERY_RUN_UNDER_WAY');
  const key = crypto.randomUUID();
  backup.answer({ print: { error: 'the disk is full: /var/backups/ppuri' }, exitCode: 1 });
  const failed = await listed(accepted.at('backup', 'backup_id'), 'BACKUP_STATE_FAILED');
  assert.equal(failed.error, 'the disk is full: /var/backups/ppuri');
  assert.equal(failed.label, '');

  backup.hold();
  const same = await Promise.all(Array.from({ length: 8 }, () => start(START_BACKUP, key)));
  assert.equal(
    new Set(same.map((answer) => answer.at('backup', 'backup_id'))).size,
    1,
    'one key, one backup',
  );
  const incremental = { ...LISTED, label: '20261126T020000Z', kind: 'incremental', base: LABEL };
  backup.list([LISTED, incremental]);
  backup.answer({ print: incremental });
  const done = await listed(same[0]?.at('backup', 'backup_id'), 'BACKUP_STATE_COMPLETE');
  assert.deepEqual([done.kind, done.base_label], ['BACKUP_KIND_INCREMENTAL', LABEL]);
});

test('what others took is listed too, and what is removed or damaged says so', { skip }, async () => {
  const byHand = { ...LISTED, label: '20261126T030000Z', startedAt: '2026-11-26T03:00:00.000Z' };
  const cutOff = { clusterId: CLUSTER, label: '20261126T040000Z', kind: '', state: 'incomplete' };
  const latest = { ...LISTED, label: '20261126T060000Z', startedAt: '2026-11-26T06:00:00.000Z' };
  backup.list([{ ...LISTED, state: 'damaged' }, byHand, cutOff, latest]);
  backup.answer({ print: latest });
  const id = (await start(START_BACKUP)).at('backup', 'backup_id');
  await listed(id, 'BACKUP_STATE_COMPLETE');
  const states = Object.fromEntries((await backups()).map(({ label, state }) => [label, state]));
  assert.deepEqual(states, {
    [LABEL]: 'BACKUP_STATE_DAMAGED',
    '': 'BACKUP_STATE_FAILED',
    '20261126T020000Z': 'BACKUP_STATE_REMOVED',
    '20261126T030000Z': 'BACKUP_STATE_COMPLETE',
    '20261126T040000Z': 'BACKUP_STATE_INCOMPLETE',
    '20261126T060000Z': 'BACKUP_STATE_COMPLETE',
  });
  const found = (await backups()).find(({ label }) => label === '20261126T030000Z');
  assert.deepEqual([found?.requested_at, found?.requested_by], [undefined, '']);
});

test('a drill passes with its figures, and its backup is verified', { skip }, async () => {
  backup.list([{ ...LISTED, state: 'verified', verified: { at: '2026-11-26T04:30:00.000Z' } }]);
  drill.answer({ print: REPORT });
  const id = (await start(START_DRILL)).at('drill', 'drill_id');
  const { requested_at, requested_by, started_at, ended_at, ...passed } = await listed(
    id,
    'DRILL_STATE_PASSED',
  );
  assert.ok(String(requested_at) <= String(started_at) && String(started_at) <= String(ended_at));
  assert.equal(requested_by, stack.key.keyId);
  assert.deepEqual(passed, {
    ...{ drill_id: id, drill: 'backups', state: 'DRILL_STATE_PASSED', seed: '1', backup_label: LABEL },
    ...{
      rto: '12.500s',
      rpo: '0.250s',
      payments: '1200',
      lost: '0',
      doubled: '0',
      books_ok: true,
      error: '',
    },
  });
  const verified = (await backups()).find(({ label }) => label === LABEL);
  assert.deepEqual(
    [verified?.state, verified?.verified_at],
    ['BACKUP_STATE_VERIFIED', '2026-11-26T04:30:00Z'],
  );
});

test('a drill that fails says why in plain words', { skip }, async () => {
  const cases: [print: unknown, exitCode: number, error: RegExp][] = [
    [
      { ...REPORT, lost: 2, doubled: 1 },
      1,
      /^2 payments that had been answered are lost; 1 payment was made more than/,
    ],
    [{ ...REPORT, booksOk: false }, 1, /^the restored ledger does not agree with itself$/],
    [REPORT, 1, /^it took too long: 12\.5 s$/],
    [
      { error: 'wal/0001.zst.age is damaged:\u001b[31m its content is not what was archived' },
      1,
      /^wal\/0001\.zst\.age is damaged: ?\[31m its/,
    ],
    ['no report', 0, /^the command printed no report/],
    ['nothing', 3, /^the command ended with exit code 3 and printed no reason$/],
    ['nothing', 127, /^the shell did not find the command/],
  ];
  for (const [print, exitCode, error] of cases) {
    drill.answer({ print, exitCode });
    const failed = await listed((await start(START_DRILL)).at('drill', 'drill_id'), 'DRILL_STATE_FAILED');
    assert.match(String(failed.error), error);
  }
});

test('the schedule asks for them too, and lists go on page by page, newest first', { skip }, async () => {
  drill.answer({ print: REPORT });
  await stack.grpc.call('admin.v1.JobService/RunJob', { job: 'restore-drill' });
  await until('the drill of the day is done', async () =>
    (await drills()).some(
      ({ requested_by, state }) => requested_by === 'schedule' && state === 'DRILL_STATE_PASSED',
    ),
  );
  for (const [rpc, name, id] of [
    [LIST_DRILLS, 'drills', 'drill_id'],
    [LIST_BACKUPS, 'backups', 'backup_id'],
  ] as const) {
    const all = (await stack.grpc.call(rpc, {})).list(name);
    const paged: Json[] = [];
    let page_token = '';
    do {
      const page = await stack.grpc.call(rpc, { page_size: 2, page_token });
      paged.push(...page.list(name));
      page_token = String(page.body.next_page_token);
    } while (page_token !== '');
    assert.deepEqual(
      paged.map((item) => item[id]),
      all.map((item) => item[id]),
    );
    assert.ok(all.length > 3);
  }
  const times = (await drills()).map(({ requested_at }) => String(requested_at));
  assert.deepEqual(times, times.toSorted().reverse());
});

test('the calls of docs/recovery.md, by npm run call', { skip }, async () => {
  assert.ok(stack.key.kind === 'hmac-sha256');
  const { keyId, secret } = stack.key;
  const keys = [{ keyId, secret: Buffer.from(secret).toString('utf8') }];
  const adminGrpcAddress = stack.grpcAddress;
  writeFileSync(join(stack.logDir, 'dev.json'), JSON.stringify({ adminGrpcAddress, keys }));
  const env = { DATA_DIR: stack.logDir };
  const run = async (line = '') => JSON.parse(await runLine(line, {}, { cwd: stack.logDir, env }));
  const lines = commandsOf('docs/recovery.md', 'Backups and drills by the worker');
  const [startBackup, list, startDrill, lastDrill, ...rest] = lines.filter((line) =>
    line.startsWith('npm run'),
  );
  assert.deepEqual(rest, []);
  const report = { ...LISTED, label: '20261126T090000Z', startedAt: '2026-11-26T09:00:00.000Z' };
  backup.list([report]);
  backup.answer({ print: report });
  const { backup: started } = await run(startBackup);
  await listed(started.backup_id, 'BACKUP_STATE_COMPLETE');
  assert.ok((await run(list)).backups.some(({ label }: Json) => label === report.label));
  const { drill: drilled } = await run(startDrill);
  assert.equal((await run(startDrill)).drill.drill_id, drilled.drill_id, 'the same --key, the same drill');
  await listed(drilled.drill_id, 'DRILL_STATE_PASSED');
  assert.deepEqual(
    (await run(lastDrill)).drills.map(({ drill_id }: Json) => drill_id),
    [drilled.drill_id],
  );
});

test('who started what is on the audit trail', { skip }, async () => {
  drill.answer({ print: REPORT });
  const id = (await start(START_DRILL)).at('drill', 'drill_id');
  await listed(id, 'DRILL_STATE_PASSED');
  const acts = await stack.grpc.call('admin.v1.AuditService/ListActs', { target: String(id) });
  assert.deepEqual(
    acts.list('acts').map(({ rpc, outcome, key_id }) => [rpc, outcome, key_id]),
    [[START_DRILL, 'ACT_OUTCOME_DONE', stack.key.keyId]],
  );
});

test('a worker that is stopped ends the command, and the run is abandoned at once', { skip }, async () => {
  backup.hold();
  const id = (await start(START_BACKUP)).at('backup', 'backup_id');
  await listed(id, 'BACKUP_STATE_RUNNING');
  await worker?.stop();
  worker = undefined;
  const [abandoned] = await backups();
  assert.deepEqual([abandoned?.backup_id, abandoned?.state], [id, 'BACKUP_STATE_ABANDONED']);
  assert.equal(abandoned?.error, 'its worker stopped, died or lost the database before it was done');
});
