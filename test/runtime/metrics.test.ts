// What /metrics tells: every promised metric with its labels, and nothing that callers can make longer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, credentials, Metadata, status as statuses } from '@grpc/grpc-js';
import { REASONS } from '../../src/domain/reasons.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { AUTHENTICATION_CAUSES } from '../../src/grpc/index.ts';
import { actingAs, withKey } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { healthClient, readMetrics, type Sample, sumOf } from './ops-client.ts';

const ANNA = 9401;
const BO = 9402;
let stack: Stack;
let opsUrl: string;
before(async () => {
  stack = await startStack();
  opsUrl = `http://127.0.0.1:${stack.app.opsPort}`;
  await stack.addUsers([ANNA, BO]);
  await stack.addRoom('metrics', [ANNA, BO]);
  await stack.fund([ANNA], 1_000_000);
});
after(() => stack.stop());

const transfer = (amount: number, userId = ANNA) =>
  stack.grpc.call('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount }, withKey(userId));

/** A call of any path, signed by nobody. */
function stranger(path: string): Promise<number> {
  const client = new Client(stack.grpcAddress, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), new Metadata(), (error) => {
      client.close();
      resolve(error?.code ?? 0);
    });
  });
}

const methods = new Set([...CONTRACTS.keys()].map((path) => path.slice(1)));
for (const own of ['grpc.health.v1.Health/Check', 'grpc.health.v1.Health/Watch', 'other/other'])
  methods.add(own);
const among = (...values: string[]) => new Set(values);
const LOGS = among('app', 'transactions', 'audit', 'stdout');
const KINDS = among('wallet1', 'default-wallet1', 'transactions1', 'user1', 'room1', 'member1', 'friends1');
for (const kind of ['members1', 'token1', 'final-claim1']) KINDS.add(kind);
/** Every label of every metric of ours, with all the values that it may ever have. */
const LABELS: Record<string, Record<string, Set<string>>> = {
  ppuri_rpc_duration_seconds: { code: new Set(Object.keys(statuses)) },
  ppuri_rpc_in_flight: {},
  ppuri_stream_messages_total: {},
  ppuri_rpc_errors_total: {
    code: new Set(Object.values(REASONS).map(({ code }) => code)),
    reason: new Set(Object.keys(REASONS)),
  },
  ppuri_audit_acts_total: {
    outcome: among('attempted', 'done', 'refused', 'failed', 'denied', 'unauthenticated', 'dropped'),
  },
  ppuri_audit_dropped_total: {},
  ppuri_audit_write_failures_total: {},
  ppuri_missing_transfers_total: {},
  ppuri_ledger_batch_size: {},
  ppuri_ledger_wait_seconds: {},
  ppuri_ledger_batch_seconds: {},
  ppuri_ledger_commit_seconds: {},
  ppuri_ledger_conflicts_total: { outcome: among('retried', 'given_up') },
  ppuri_ledger_queue_length: {},
  ppuri_limiter_decisions_total: {
    outcome: among('admitted', 'limited', 'replayed'),
    limit: among('', 'key', 'user', 'ip', 'token', 'signature', 'other'),
    by: among('redis', 'memory', 'process'),
  },
  ppuri_pool_connections: {
    pool: among('ledger', 'reads', 'epochs', 'admin'),
    state: among('total', 'idle', 'waiting'),
  },
  ppuri_breaker_state: { breaker: among('admission', 'cache'), state: among('closed', 'half-open', 'open') },
  ppuri_breaker_calls: {
    breaker: among('admission', 'cache'),
    result: among('all', 'failed', 'rejected', 'full'),
  },
  ppuri_redis_connected: { connection: among('admission') },
  ppuri_cache_reads_total: { kind: KINDS, result: among('hit', 'miss', 'contended', 'corrupt', 'bypass') },
  ppuri_cache_entry_age_seconds: { kind: KINDS },
  ppuri_cache_trusted: {},
  ppuri_trace_spans_exported_total: {},
  ppuri_trace_spans_dropped_total: { reason: among('queue_full', 'export_failed') },
  ppuri_dependency_available: { dependency: among('postgres') },
  ppuri_postgres_read_only: {},
  ppuri_clock_skew_seconds: {},
  ppuri_api_key_expiry_seconds: {},
  ppuri_authentication_failures_total: { cause: new Set(AUTHENTICATION_CAUSES) },
  ppuri_log_lines_total: { log: LOGS },
  ppuri_log_write_failures_total: { log: LOGS },
  ppuri_log_lost_lines_total: { log: LOGS },
};

/** The name of the metric that a sample belongs to. */
function metricOf({ name }: Sample): string {
  return name in LABELS ? name : name.replace(/_(bucket|sum|count)$/, '');
}

function assertBounded(samples: readonly Sample[]): void {
  for (const sample of samples.filter(({ name }) => name.startsWith('ppuri_'))) {
    const { le: _le, service, method, ...labels } = sample.labels;
    const allowed = LABELS[metricOf(sample)];
    assert.ok(allowed, `${sample.name} is not promised`);
    if (service !== undefined) assert.ok(methods.has(`${service}/${method}`), `${service}/${method}`);
    for (const [label, value] of Object.entries(labels)) {
      assert.ok(allowed[label]?.has(value), `${sample.name} has ${label}="${value}"`);
    }
  }
}

test('every promised metric is there, and each label has only values of ours', async () => {
  assert.equal((await transfer(5)).status, 0);
  // The second look finds what the first one left.
  for (let look = 0; look < 3; look++) {
    await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  }
  const health = healthClient(stack.grpcAddress);
  const { cancel } = health.watch('');
  // The clock of Postgres is read every second, not at the start; a stream has no series before its first message.
  const late = ['ppuri_clock_skew_seconds', 'ppuri_stream_messages_total'];
  const samples = await until('the clock was compared, and a stream has told something', async () => {
    const page = await readMetrics(opsUrl);
    return late.every((name) => page.some((sample) => sample.name === name)) && page;
  });
  cancel();
  await until(
    'the stream is over',
    async () => sumOf(await readMetrics(opsUrl), 'ppuri_rpc_in_flight', { method: 'Watch' }) === 0,
  );
  health.close();
  assertBounded(samples);
  const there = new Set(samples.map(metricOf));
  for (const name of Object.keys(LABELS)) assert.ok(there.has(name), name);
  for (const name of [
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
  ])
    assert.ok(there.has(name), name);
});

test('calls are counted by how they ended, errors by code and reason, and batches by their size', async () => {
  const before = await readMetrics(opsUrl);
  await Promise.all(Array.from({ length: 20 }, () => transfer(1)));
  for (let call = 0; call < 3; call++) assert.equal((await transfer(100_000_000)).reason, 'BALANCE_TOO_LOW');
  const samples = await readMetrics(opsUrl);
  const grew = (name: string, labels: Record<string, string> = {}) =>
    sumOf(samples, name, labels) - sumOf(before, name, labels);
  const method = { service: 'wallet.v1.WalletService', method: 'Transfer' };
  assert.equal(grew('ppuri_rpc_duration_seconds_count', { ...method, code: 'OK' }), 20);
  assert.equal(grew('ppuri_rpc_duration_seconds_count', { ...method, code: 'FAILED_PRECONDITION' }), 3);
  assert.equal(grew('ppuri_rpc_errors_total', { code: 'ERR006', reason: 'BALANCE_TOO_LOW' }), 3);
  assert.equal(grew('ppuri_ledger_batch_size_sum'), 23);
  assert.ok(grew('ppuri_ledger_batch_size_count') <= 23);
  assert.equal(grew('ppuri_ledger_wait_seconds_count'), 23);
  assert.equal(grew('ppuri_ledger_commit_seconds_count'), grew('ppuri_ledger_batch_seconds_count'));
  assert.ok(grew('ppuri_ledger_batch_seconds_sum') >= grew('ppuri_ledger_commit_seconds_sum'));
  const decided = grew('ppuri_limiter_decisions_total', { outcome: 'admitted' });
  assert.equal(decided, 23);
  assert.equal(sumOf(samples, 'ppuri_rpc_in_flight'), 0);
});

test('a flood of odd methods, tokens and users makes the page no longer, and names none of them', async () => {
  const warm = async () => {
    await stranger('/wallet.v1.WalletService/Transfer');
    await stranger('/no.such.Service/Method');
    const claim = { room: 'metrics', token: 'aaa' };
    await stack.grpc.call(
      'wallet.v1.SprinkleService/ClaimSprinkle',
      { token: claim.token },
      {
        userId: String(BO),
        roomId: claim.room,
        idempotencyKey: crypto.randomUUID(),
      },
    );
  };
  await warm();
  const before = await readMetrics(opsUrl);
  for (let odd = 0; odd < 200; odd++) {
    const path = `/odd-${odd}.Service/${'x'.repeat(odd)}`;
    assert.equal(await stranger(path), statuses.UNIMPLEMENTED);
  }
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      stack.grpc.call(
        'wallet.v1.SprinkleService/ClaimSprinkle',
        { token: `a${String(index).padStart(2, '0')}` },
        { userId: String(10_000 + index), roomId: `odd-${index}`, idempotencyKey: crypto.randomUUID() },
      ),
    ),
  );
  const samples = await readMetrics(opsUrl);
  assertBounded(samples);
  const other = { service: 'other', method: 'other', code: 'UNIMPLEMENTED' };
  const count = 'ppuri_rpc_duration_seconds_count';
  assert.equal(sumOf(samples, count, other) - sumOf(before, count, other), 200);
  const idsOf = (page: readonly Sample[]) =>
    page
      .filter(({ name }) => name.startsWith('ppuri_'))
      .map(({ name, labels }) => JSON.stringify([name, labels]));
  // What a busy machine does for the first time meanwhile, such as to decide without Redis, has a series; not each odd input.
  const known = new Set(idsOf(before));
  const added = idsOf(samples).filter((id) => !known.has(id));
  assert.ok(added.length < 10, added.join('\n'));
  const page = await (await fetch(`${opsUrl}/metrics`)).text();
  for (const secret of [stack.key.keyId, String(ANNA), 'odd-', 'metrics"', '127.0.0.1']) {
    assert.ok(!page.includes(secret), `the page names ${secret}`);
  }
});

test('a call that its caller gives up, and a stream, are under way until they end, and then counted once', async () => {
  const watch = { service: 'grpc.health.v1.Health', method: 'Watch' };
  const given = { ...watch, code: 'CANCELLED' };
  const before = await readMetrics(opsUrl);
  const health = healthClient(stack.grpcAddress);
  const { cancel } = health.watch('');
  const inFlight = async () => sumOf(await readMetrics(opsUrl), 'ppuri_rpc_in_flight', watch);
  await until('the stream is under way', async () => (await inFlight()) === 1);
  cancel();
  await until('the stream is over', async () => (await inFlight()) === 0);
  const samples = await readMetrics(opsUrl);
  const grew = (name: string, labels: Record<string, string>) =>
    sumOf(samples, name, labels) - sumOf(before, name, labels);
  assert.equal(grew('ppuri_rpc_duration_seconds_count', given), 1);
  assert.equal(grew('ppuri_stream_messages_total', watch), 1);
  health.close();
  const holder = await stack.db.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT id FROM accounts FOR UPDATE');
  const paying = transfer(1);
  const ofTransfer = { service: 'wallet.v1.WalletService', method: 'Transfer' };
  await until(
    'the call is under way',
    async () => sumOf(await readMetrics(opsUrl), 'ppuri_rpc_in_flight', ofTransfer) === 1,
  );
  await holder.query('ROLLBACK');
  holder.release();
  assert.equal((await paying).status, 0);
  assert.equal(sumOf(await readMetrics(opsUrl), 'ppuri_rpc_in_flight', ofTransfer), 0);
});
