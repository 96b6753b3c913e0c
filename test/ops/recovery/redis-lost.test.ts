// docs/runbooks/redis-lost.md works as it is written, but for the addresses: its commands find out, act, and see that it is over.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { findFree } from '../../../scripts/dev/ports.ts';
import { findPgTools } from '../../../scripts/ops/parts/pg-tools.ts';
import { startSentinelGroup } from '../../../scripts/ops/parts/sentinel.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { startOwnRedis } from '../../redis/own-redis.ts';
import { startStack } from '../../stack.ts';
import { until } from '../../until.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const [ANNA, BO] = [8401, 8402];
const OVER_WITHIN_MS = 60_000;
const run = promisify(execFile);

/** The commands of a section of the page, one a line. */
function commandsOf(section: string): string[] {
  const text = read('docs/runbooks/redis-lost.md').split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );
}

/** The file of deploy/ha for a Redis of its own, without a password. */
function redisConf(folder: string, port: string): string {
  const file = join(folder, 'redis.conf');
  const text = read('deploy/ha/redis.conf')
    .replace(/^(?:requirepass|masterauth) .*$/gm, '')
    .replace(/^port .*$/m, `port ${port}`)
    .replace(/^dir .*$/m, `dir ${folder}`);
  writeFileSync(file, `${text}\ndaemonize yes\npidfile ${join(folder, 'redis.pid')}\n`);
  return file;
}

function untilItSucceeds(command: string, shell: (command: string) => Promise<string>): Promise<boolean> {
  const succeeds = () =>
    shell(command).then(
      () => true,
      () => false,
    );
  return until(command, succeeds, OVER_WITHIN_MS);
}

test('the commands of docs/runbooks/redis-lost.md', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-redis-lost-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [tools, group] = await Promise.all([findPgTools(() => {}), startSentinelGroup({ folder })]);
  stack.use(group);
  const own = await startOwnRedis();
  stack.defer(() => own.stop());
  const { port } = new URL(own.url);
  const [workerOps = 0] = await findFree(1);
  const ppuri = await startStack({ env: { REDIS_URL: own.url } });
  stack.defer(() => ppuri.stop());
  const worker = await startWorkerProcess({
    ...workerEnv(ppuri.database, own.url),
    OPS_PORT: String(workerOps),
  });
  stack.defer(async () => void (await worker.stop()));
  const [sentinelHost = '', sentinelPort = ''] = group.env.REDIS_SENTINELS.split(/[:,]/);
  const places: Record<string, string> = {
    '/etc/ppuri/redis.conf': redisConf(folder, port),
    '10.0.0.1': sentinelHost,
    '26379': sentinelPort,
    '127.0.0.1:9464': `127.0.0.1:${ppuri.app.opsPort}`,
    '127.0.0.1:9465': `127.0.0.1:${workerOps}`,
  };
  const shell = async (command: string) => {
    const line = Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), command);
    const PATH = [dirname(tools.pathOf('psql')), process.env.PATH].join(delimiter);
    const env = { ...process.env, PATH, REDIS_URL: own.url, OWNER_URL: ppuri.database.ownerUrl };
    const { stdout } = await run('sh', ['-ec', line], { env, timeout: 20_000 });
    return stdout.trim();
  };
  const assertAllWell = async () => {
    await ppuri.as(ANNA).pay(BO, 1);
    for (const command of commandsOf('Over when')) await untilItSucceeds(command, shell);
    assert.equal(await ppuri.as(ANNA).balance(), 1000 - ++paid);
  };
  let paid = 0;
  await ppuri.addUsers([ANNA, BO]);
  await ppuri.fund([ANNA], 1000);
  const look = commandsOf('Look first');
  assert.equal(look.length, 5);
  for (const command of look) assert.notEqual(await shell(command), '', command);
  await assertAllWell();

  const [start = '', flush = '', failover = ''] = commandsOf('Do');
  await own.kill();
  await assert.rejects(shell(look[0] ?? ''));
  await shell(start);
  stack.defer(() => void process.kill(Number(readFileSync(join(folder, 'redis.pid'), 'utf8')), 'SIGKILL'));
  await until('it answers', async () => (await shell(look[0] ?? '').catch(() => '')) === 'PONG');
  await assertAllWell();
  assert.equal(await shell(flush), 'OK');
  await assertAllWell();

  const old = await group.master();
  assert.equal(await shell(failover), 'OK');
  const replacement = await group.untilReplaced(old);
  assert.match(await shell(look[3] ?? ''), new RegExp(`\\b${replacement.port}$`));
});
