// Patroni, etcd over TLS and both doors from the files of deploy/ha/: a dead primary is replaced, nothing that was answered is
// lost, and the old one comes back; the runbooks node-lost and network-split are followed to their ends.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseEnv, promisify } from 'node:util';
import { HOST } from '../../../scripts/dev/ports.ts';
import { type Door, findDoor } from '../../../scripts/ops/parts/patroni/door.ts';
import type { EtcdMember } from '../../../scripts/ops/parts/patroni/etcd.ts';
import {
  findPatroni,
  hasRootPowers,
  type PatroniCluster,
  type PatroniNode,
  startPatroni,
} from '../../../scripts/ops/parts/patroni.ts';
import { openStorage } from '../../../scripts/recovery/storage.ts';
import { listWal } from '../../../scripts/recovery/wal-archive.ts';
import { createPeople } from '../../../src/db/people/index.ts';
import { type Authority, makeAuthority } from '../../certificates.ts';
import { orSkip } from '../../skip.ts';
import { until } from '../../until.ts';
import { createOperator, memberId, type Operator, SRV } from './operator.ts';
import { archiving, etcdTls, postgresTls } from './patroni-settings.ts';
import { ask, assertNothingLost, startWriter } from './written.ts';

const found = await findPatroni();
const patroni = orSkip('reason' in found ? found : { path: found.etcd }, 'Patroni');
const haproxy = orSkip(await findDoor('haproxy', console.error), 'HAProxy');
const skip = patroni.skip || haproxy.skip;
const noNetworks = (await hasRootPowers()) ? false : 'networks of nodes need root';
/** What docs/high-availability.md promises for a dead postmaster. */
const FAILOVER_WITHIN_MS = 10_000;
/** Much longer than a switchover or a copy of a node takes on a busy machine. */
const IN_TIME_MS = 90_000;

const SPLIT = new URL('../../../docs/runbooks/network-split.md', import.meta.url);
const PAGE = readFileSync(new URL('../../../docs/high-availability.md', import.meta.url), 'utf8');
const run = promisify(execFile);

let folder: string;
let authority: Authority;
let cluster: PatroniCluster;
let otherDoor: Door;
let operator: Operator;
before(
  async () => {
    if (skip) return;
    folder = mkdtempSync(join(tmpdir(), 'ppuri-patroni-'));
    // Postgres may run as another user.
    chmodSync(folder, 0o777);
    authority = makeAuthority(folder, 'authority');
    cluster = await startPatroni({
      folder,
      settings: { ...archiving(folder), ...postgresTls(authority) },
      etcdMembers: 3,
      etcdTls: (address) => etcdTls(folder, address),
      canCut: noNetworks === false,
    });
    operator = createOperator(cluster, folder);
    otherDoor = await cluster.openDoor('haproxy');
    await ask(cluster.doorUrl, 'CREATE TABLE written (id integer PRIMARY KEY)');
  },
  { timeout: 240_000 },
);
after(async () => {
  await otherDoor?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const through = (port: number) => Object.assign(new URL(cluster.doorUrl), { host: `${HOST}:${port}` }).href;
const primaryDoors = () => [cluster.door, otherDoor].map(({ primaryPort }) => through(primaryPort));
const standbyDoors = () => [cluster.door, otherDoor].map(({ standbysPort }) => through(standbysPort));

/** The port of the Postgres that a door leads to, and whether it is a standby. */
async function behind(url: string): Promise<{ port: number; standby: boolean } | undefined> {
  const sql = `SELECT current_setting('port')::int AS port, pg_is_in_recovery() AS standby`;
  const [row] = await ask(url, sql).catch(() => []);
  return row && { port: Number(row.port), standby: row.standby === true };
}

async function leadsTo(url: string, node: PatroniNode): Promise<boolean> {
  const server = await behind(url);
  return server?.port === node.postgresPort && !server.standby;
}

test('both doors lead to the primary, and their other ports to a standby', { skip }, async () => {
  const leader = await cluster.leader();
  for (const url of primaryDoors())
    await until('a door leads to the primary', () => leadsTo(url, leader), IN_TIME_MS);
  for (const url of standbyDoors())
    await until('a door leads to a standby', async () => (await behind(url))?.standby === true, IN_TIME_MS);
});

test('the URL of the page speaks TLS through both doors and verifies the certificate of Postgres', {
  skip,
}, async () => {
  const query = /^export DATABASE='127\.0\.0\.1:5000\/ppuri(\?.*)'$/m.exec(PAGE)?.[1] ?? '';
  const trusting = (caFile: string) => query.replace('/etc/ppuri/postgres-ca.crt', caFile);
  const stranger = makeAuthority(folder, 'stranger');
  for (const door of primaryDoors()) {
    const url = door + trusting(authority.caFile);
    const sql = 'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
    assert.deepEqual(await ask(url, sql), [{ version: 'TLSv1.3' }]);
    await using people = createPeople({ url, maxConnections: 1 });
    await people.ping();
    await assert.rejects(ask(door + trusting(stranger.caFile), sql), /certificate/);
  }
});

test('a killed postmaster is replaced within 10 s, no answered commit is lost, and it comes back as a standby', {
  skip,
  timeout: 240_000,
}, async () => {
  const old = await cluster.leader();
  const promised = await cluster.syncStandby();
  const writer = startWriter(cluster.doorUrl, 1);
  await until('commits are answered', () => writer.answered() >= 20, IN_TIME_MS);
  const killedAt = performance.now();
  cluster.killPostmaster(old);
  await until(
    'the door leads to another node',
    async () => {
      const server = await behind(cluster.doorUrl);
      return server !== undefined && !server.standby && server.port !== old.postgresPort;
    },
    IN_TIME_MS,
  );
  const tookMs = performance.now() - killedAt;
  const [leader, before] = [await cluster.leader(), writer.answered()];
  await until('commits are answered again', () => writer.answered() >= before + 20, IN_TIME_MS);
  const answered = await writer.stop();
  assert.equal(leader.name, promised.name, 'the synchronous standby was promoted');
  await assertNothingLost(cluster.doorUrl, answered);
  assert.ok(tookMs < FAILOVER_WITHIN_MS, `the door led to ${leader.name} after ${Math.round(tookMs)} ms`);
  for (const url of primaryDoors())
    await until('each door leads to the new primary', () => leadsTo(url, leader), IN_TIME_MS);
  await cluster.untilHealthy();
  assert.deepEqual(await ask(old.url, 'SELECT pg_is_in_recovery() AS standby'), [{ standby: true }]);
});

test('patronictl lists the nodes and switches over without losing a commit', {
  skip,
  timeout: 240_000,
}, async () => {
  const [old, next] = [await cluster.leader(), await cluster.syncStandby()];
  const listed = await cluster.patronictl('list', '--format', 'json');
  const members: { Member: string; Role: string }[] = JSON.parse(listed.stdout);
  assert.deepEqual(
    members.map(({ Member, Role }) => [Member, Role]).find(([name]) => name === old.name),
    [old.name, 'Leader'],
  );
  const writer = startWriter(cluster.doorUrl, 1_000_000);
  await until('commits are answered', () => writer.answered() >= 20, IN_TIME_MS);
  const words = ['switchover', '--leader', old.name, '--candidate', next.name, '--force'];
  const { ok, output } = await cluster.patronictl(...words);
  assert.ok(ok, output);
  await until('the door leads to the candidate', () => leadsTo(cluster.doorUrl, next), IN_TIME_MS);
  const before = writer.answered();
  await until('commits are answered again', () => writer.answered() >= before + 20, IN_TIME_MS);
  await assertNothingLost(cluster.doorUrl, await writer.stop());
  await cluster.untilHealthy();
  assert.equal((await cluster.leader()).name, next.name);
});

test('the archive has every segment of WAL across both failovers, and every node goes on archiving', {
  skip,
  timeout: 120_000,
}, async () => {
  const leader = await cluster.leader();
  const [last] = await ask(
    leader.url,
    'SELECT pg_walfile_name(pg_switch_wal()) AS name, system_identifier::text AS id FROM pg_control_system()',
  );
  const storage = openStorage(join(folder, 'archive'), {});
  const archived = async () => (await listWal(storage, String(last?.id))).map(({ name }) => name);
  await until(
    'the last segment is archived',
    async () => (await archived()).includes(String(last?.name)),
    IN_TIME_MS,
  );
  const names = await archived();
  // Of a name the first 8 digits are the timeline, the last 16 the position. The last segment of a timeline is `.partial`.
  const positions = new Set(
    names.filter((name) => /^[0-9A-F]{24}/.test(name)).map((name) => Number(`0x${name.slice(16, 24)}`)),
  );
  const highest = Number(`0x${String(last?.name).slice(16)}`);
  const missing = Array.from({ length: highest }, (_, index) => index + 1).filter((at) => !positions.has(at));
  assert.deepEqual(missing, []);
  assert.equal(names.filter((name) => name.endsWith('.history')).length, 2);
  for (const { name, url, logFile } of cluster.nodes)
    await until(
      `${name} archives (see ${logFile})`,
      async () => {
        const [stats] = await ask(
          url,
          'SELECT last_failed_time IS NULL OR last_archived_time > last_failed_time AS goes_on FROM pg_stat_archiver',
        );
        return stats?.goes_on === true;
      },
      IN_TIME_MS,
    );
});

test('runbook node-lost: a node that does not start is copied again', {
  skip,
  timeout: 240_000,
}, async () => {
  const leader = await cluster.leader();
  const broken = cluster.nodes.find(({ name }) => name !== leader.name);
  assert.ok(broken);
  await cluster.killNode(broken);
  // The files in it alone it would stream again.
  rmSync(join(broken.dataFolder, 'pg_wal'), { recursive: true });
  await cluster.startNode(broken);
  await operator.untilState(broken.name, 'start failed', leader);
  const reinit = await operator.follow('node-lost', /^patronictl reinit/, leader, { n2: broken.name });
  assert.match(reinit, /Success: reinitialize for member/);
  await cluster.untilHealthy();
  assert.equal((await cluster.leader()).name, leader.name);
});

test('runbook node-lost: the last primary loses its disk, and a standby that lacks payments is promoted', {
  skip,
  timeout: 240_000,
}, async () => {
  const last = await cluster.leader();
  assert.match(await operator.follow('node-lost', /^patronictl history$/, last), /no recovery target/);
  const [first, second] = cluster.nodes.filter(({ name }) => name !== last.name);
  assert.ok(first && second);
  await Promise.all([first, second].map((node) => cluster.killNode(node)));
  const id = 2_000_000;
  await until(
    'the primary goes on alone',
    async () =>
      (await ask(last.url, `INSERT INTO written VALUES (${id}) ON CONFLICT DO NOTHING`).catch(
        () => undefined,
      )) !== undefined,
    IN_TIME_MS,
  );
  await loseDisk(last);
  await cluster.startNode(first);
  await operator.untilState(first.name, 'running', first);
  assert.deepEqual(
    (await operator.list(first)).filter(({ Role }) => Role === 'Leader'),
    [],
    'a standby that lacks payments was promoted by itself',
  );
  const told = await operator.follow('node-lost', /^patronictl failover/, first, { n2: first.name });
  assert.match(told, /Successfully failed over to|asynchronous/);
  await until('the door leads to it', () => leadsTo(cluster.doorUrl, first), IN_TIME_MS);
  await cluster.startNode(second);
  // The disk that was lost is there again, and empty.
  await cluster.untilHealthy();
  assert.equal((await cluster.leader()).name, first.name);
  const kept = await ask(cluster.doorUrl, `SELECT id FROM written WHERE id = ${id}`);
  assert.deepEqual(kept, [], 'the runbook says that it is lost');
});

/** Its Patroni finds an empty disk where Postgres was. */
async function loseDisk({ patroniPid = 0, postmasterPid = 0, dataFolder }: PatroniNode): Promise<void> {
  // It would start Postgres again as soon as that is dead.
  process.kill(patroniPid, 'SIGSTOP');
  process.kill(postmasterPid, 'SIGKILL');
  await until('its data is gone', () => {
    rmSync(dataFolder, { recursive: true, force: true, maxRetries: 10 });
    return !existsSync(dataFolder);
  });
  process.kill(patroniPid, 'SIGCONT');
}

test('runbook network-split: the primary is cut off, another one confirms, and the old one rewinds', {
  skip: skip || noNetworks,
  timeout: 240_000,
}, async () => {
  const old = await cluster.leader();
  const writer = startWriter(cluster.doorUrl, 3_000_000);
  await until('commits are answered', () => writer.answered() >= 20, IN_TIME_MS);
  const logged = readFileSync(old.logFile, 'utf8').length;
  await cluster.cut(old);
  await using healing = new AsyncDisposableStack();
  healing.defer(() => cluster.heal(old));
  // A session on the node itself commits what no standby gets.
  const { prefix, env } = cluster.shellOn(old);
  const [command = '', ...words] = [...prefix, 'psql', old.url.replace(old.host, HOST)];
  const alone = run(command, [...words, '-c', 'INSERT INTO written VALUES (4000000)'], { env }).then(
    () => 'confirmed',
    ({ stderr }: { stderr: string }) => stderr,
  );
  const besides = cluster.nodes.find(({ name }) => name !== old.name);
  assert.ok(besides);
  const seenByOld = operator.follow('network-split', /^for node/, old);
  const statuses = await operator.follow('network-split', /^for node/, besides);
  assert.equal(statuses.match(/ (?:200|503)$/gm)?.length, 2, statuses);
  assert.equal(statuses.match(/ 000$/gm)?.length, 1, statuses);
  assert.equal((await seenByOld).match(/ 000$/gm)?.length, 2);
  assert.match(
    await operator.follow('network-split', /^etcdctl endpoint health --cluster/, besides),
    /is healthy/,
  );
  assert.match(await operator.follow('network-split', /^etcdctl endpoint status/, besides), /IS LEADER/);
  const door = await operator.follow('network-split', /^curl .*clusters/, undefined);
  assert.match(door, /health_flags::/);
  await until('another node is primary', async () => (await cluster.leader()).name !== old.name, IN_TIME_MS);
  // It was written, and its commit waited for a standby in vain.
  assert.match(await alone, /canceling the wait for synchronous replication/);
  const before = writer.answered();
  await until('commits are answered again', () => writer.answered() >= before + 20, IN_TIME_MS);
  await healing.disposeAsync();
  await cluster.untilHealthy();
  assert.match(readFileSync(old.logFile, 'utf8').slice(logged), /running pg_rewind/);
  await assertNothingLost(cluster.doorUrl, await writer.stop());
  for (const node of cluster.nodes)
    assert.deepEqual(await ask(node.url, 'SELECT id FROM written WHERE id = 4000000'), [], node.name);
  const lists = await Promise.all(cluster.nodes.map((node) => operator.list(node)));
  for (const list of lists)
    assert.deepEqual(list.map(({ Role }) => Role).sort(), ['Leader', 'Replica', 'Sync Standby']);
});

test('runbook network-split: one member of etcd goes on without the others, and new ones join it', {
  skip,
  timeout: 240_000,
}, async () => {
  const leader = await cluster.leader();
  const [kept, ...others] = cluster.etcd.members;
  assert.ok(kept);
  for (const member of cluster.etcd.members) await member.kill();
  const variable = /`(ETCD_FORCE_NEW_CLUSTER)=true` in/.exec(readFileSync(SPLIT, 'utf8'))?.[1] ?? '';
  await kept.start({ [variable]: 'true' });
  const follow = (form: RegExp, more = {}) => operator.follow('node-lost', form, leader, more);
  const started = async (count: number) => {
    const printed = await operator.follow('network-split', /^etcdctl member list$/, leader).catch(() => '');
    return printed.match(/, started, /g)?.length === count && printed;
  };
  await until('it goes on alone', () => started(1), IN_TIME_MS);
  const add = async (member: EtcdMember, count: number) => {
    member.empty();
    const place = {
      'add n2 --peer-urls=http://10.0.0.12:2380': `add ${member.name} --peer-urls=${member.peerUrl}`,
    };
    const printed = await until('it is added', () =>
      follow(/^etcdctl member add/, place).catch(() => undefined),
    );
    await member.start(parseEnv(printed.slice(printed.indexOf('ETCD_NAME'))) as Record<string, string>);
    return until(`${member.name} has joined`, () => started(count), IN_TIME_MS);
  };
  let listed = '';
  for (const [at, other] of others.entries()) listed = await add(other, at + 2);
  // The machine of the last one is lost.
  const lost = cluster.etcd.members.at(-1);
  assert.ok(lost);
  await lost.kill();
  await follow(/^etcdctl member remove/, { ID: memberId(listed, lost.name) });
  await add(lost, 3);
  await cluster.untilHealthy();
});

// The last one: a backup begins a segment of WAL, and removes what is older than it needs.
test('a backup is taken on the primary without TLS, as the page and the runbook say', {
  skip,
  timeout: 120_000,
}, async () => {
  const leader = await cluster.leader();
  writeFileSync(
    join(folder, 'backup.env'),
    `BACKUP_URL="${join(folder, 'archive')}"\nBACKUP_DATABASE_URL="${leader.url.replace(leader.host, HOST)}"\n`,
  );
  const said = await operator.follow('node-lost', /^node .*backup\.ts/, leader, {
    'node --env': `${process.execPath} --env`,
    '/etc/ppuri': folder,
    '/srv/ppuri': SRV,
  });
  assert.match(said, /: full backup of \d+ MB as \d+ MB in /);
});
