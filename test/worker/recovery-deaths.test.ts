// A worker that dies in the middle of a backup: its command ends with it, the run is abandoned, and the next one is done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { makeStandIn } from './stand-in.ts';

const START_BACKUP = 'admin.v1.RecoveryService/StartBackup';
const skip = withoutRedis;
let stack: Stack;
let redis: OwnRedis;
before(async () => {
  if (skip) return;
  redis = await startOwnRedis();
  stack = await startStack();
});
after(async () => {
  if (skip) return;
  await stack.stop();
  await redis.stop();
});

const start = () => stack.grpc.call(START_BACKUP, {}, { idempotencyKey: crypto.randomUUID() });
const stateOf = async (id: unknown) => {
  const all = (await stack.grpc.call('admin.v1.RecoveryService/ListBackups', {})).list('backups');
  return all.find(({ backup_id }) => backup_id === id);
};
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('kill -9 of the worker: the command ends, the run is abandoned, another worker does the next one', {
  skip,
}, async () => {
  using command = makeStandIn();
  const env = { ...workerEnv(stack.database, redis.url), BACKUP_COMMAND: command.command };
  const first = await startWorkerProcess(env);
  const started = await until('the worker is seen', async () => {
    const answer = await start();
    return answer.status === 0 ? answer : undefined;
  });
  const id = started.at('backup', 'backup_id');
  const [pid = 0] = await until('the command runs', () => command.pids().length > 0 && command.pids());
  assert.equal((await stateOf(id))?.state, 'BACKUP_STATE_RUNNING');
  await first.kill();
  await until('the command has ended', () => !isAlive(pid));
  const abandoned = await until('it is abandoned', async () => {
    const found = await stateOf(id);
    return found?.state === 'BACKUP_STATE_ABANDONED' ? found : undefined;
  });
  assert.equal(abandoned.error, 'its worker stopped, died or lost the database before it was done');

  const second = await startWorkerProcess(env);
  try {
    const next = (await start()).at('backup', 'backup_id');
    assert.notEqual(next, undefined);
    await until('it runs', async () => (await stateOf(next))?.state === 'BACKUP_STATE_RUNNING');
    assert.equal((await stateOf(id))?.state, 'BACKUP_STATE_ABANDONED');
  } finally {
    await second.stop();
  }
});

test('a run whose lease another ended is given up: its command is ended', { skip }, async () => {
  using command = makeStandIn();
  const env = { ...workerEnv(stack.database, redis.url), BACKUP_COMMAND: command.command };
  const worker = await startWorkerProcess(env);
  try {
    const started = await until('the worker is seen', async () => {
      const answer = await start();
      return answer.status === 0 ? answer : undefined;
    });
    const [pid = 0] = await until('the command runs', () => command.pids().length > 0 && command.pids());
    // As if the worker had been cut off from the database for longer than its lease.
    await stack.db.query(`SET session_replication_role = replica;
      UPDATE recovery_runs SET state = 'abandoned', ended_at = clock_timestamp() WHERE state = 'running';
      SET session_replication_role = origin`);
    await until('the command has ended', () => !isAlive(pid));
    assert.equal((await stateOf(started.at('backup', 'backup_id')))?.state, 'BACKUP_STATE_ABANDONED');
  } finally {
    await worker.stop();
  }
});
