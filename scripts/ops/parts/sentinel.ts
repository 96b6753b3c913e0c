// Redis with failover: a master, two replicas and three Sentinels, from the files of deploy/ha.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRedisConnection, type Redis, waitUntilReady } from '../../../src/redis/index.ts';
import { SetupError } from '../../cli/program.ts';
import { randomSecret, writeSecret } from '../../dev/files.ts';
import { findFree, HOST } from '../../dev/ports.ts';
import { debianPackages } from '../install.ts';
import { type Part, required, startPart } from './part.ts';

/** One Redis server of the group. */
export interface RedisNode {
  readonly port: number;
  /** A connection to this server and no other, whatever its role. */
  readonly redis: Redis;
  /** Whether its process runs, be it stopped. */
  isRunning(): boolean;
  signal(name: NodeJS.Signals): void;
  /** Starts it again after it was killed, with what it had. Sentinel makes it a replica. */
  restart(): Promise<void>;
}

/** The group. Disposing ends all of it. */
export interface SentinelGroup extends AsyncDisposable {
  /** REDIS_URL and REDIS_SENTINELS. */
  readonly env: { readonly REDIS_URL: string; readonly REDIS_SENTINELS: string };
  readonly nodes: readonly RedisNode[];
  /** Connections to the Sentinels. */
  readonly sentinels: readonly Redis[];
  /** The server that most Sentinels name. */
  master(): Promise<RedisNode>;
  /** Ends the master at once; resolves with it. */
  killMaster(): Promise<RedisNode>;
  /** Lets the master hang: its connections stay, and nothing is answered. Resolves with it. */
  freezeMaster(): Promise<RedisNode>;
  /** Resolves with the server that replaces this one, once most Sentinels name it. */
  untilReplaced(old: RedisNode): Promise<RedisNode>;
  /** Waits until every other server that runs is the master's replica and has all that the master has. */
  untilReplicasInSync(): Promise<void>;
}

/** Certificates of all servers and Sentinels, as PEM files. This process has to trust the authority. */
export interface RedisTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What it takes. */
export interface SentinelGroupOptions {
  readonly folder: string;
  /** Without it nothing speaks TLS. */
  readonly tls?: RedisTls;
  readonly log?: (line: string) => void;
}

/** The name of the group in deploy/ha/redis-sentinel.conf. */
const GROUP = 'ppuri';
const COUNT = 3;
const DEPLOY = new URL('../../../deploy/ha/', import.meta.url);
const POLL_MS = 20;
const PATIENCE_MS = 30_000;
const CONNECT_MS = 10_000;

/** Starts it; the first server is the master, all replicas are in sync, and every Sentinel knows of all. */
export async function startSentinelGroup({ folder, tls, log }: SentinelGroupOptions): Promise<SentinelGroup> {
  await using stack = new AsyncDisposableStack();
  required('redis-server', await debianPackages(['redis-server'], ['redis-server'], log));
  const ports = await findFree(2 * COUNT);
  const [nodePorts, sentinelPorts] = [ports.slice(0, COUNT), ports.slice(COUNT)];
  const password = randomSecret();
  const [masterPort = 0] = nodePorts;
  const shared = { folder, masterPort, password, tls };
  const nodes = await Promise.all(nodePorts.map((port) => startNode(stack, { ...shared, port })));
  await Promise.all(sentinelPorts.map((port) => startSentinel(stack, { ...shared, port })));
  const sentinels = await Promise.all(
    sentinelPorts.map((port) => connectTo(stack, `${schemeOf(tls)}://${HOST}:${port}`)),
  );
  const group = operationsOf(nodes, sentinels);
  await group.untilReplicasInSync();
  await untilTrue('every Sentinel knows the group', async () => {
    const answers = await Promise.all(
      sentinels.map((sentinel) => sentinel.call('SENTINEL', 'MASTER', GROUP)),
    );
    return answers.every((answer) => {
      const known = fieldsOf(answer);
      return known.get('num-slaves') === '2' && known.get('num-other-sentinels') === '2';
    });
  });
  const owned = stack.move();
  return {
    env: {
      REDIS_URL: `${schemeOf(tls)}://:${password}@${GROUP}`,
      REDIS_SENTINELS: sentinelPorts.map((port) => `${HOST}:${port}`).join(),
    },
    nodes,
    sentinels,
    ...group,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Operations = Omit<SentinelGroup, 'env' | 'nodes' | 'sentinels' | keyof AsyncDisposable>;

function operationsOf(nodes: readonly RedisNode[], sentinels: readonly Redis[]): Operations {
  const namedBy = async (sentinel: Redis) => {
    const answer = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', GROUP).catch(() => undefined);
    return Array.isArray(answer) ? Number(answer[1]) : 0;
  };
  const master = async () => {
    const named = await Promise.all(sentinels.map(namedBy));
    const found = nodes.find(({ port }) => named.filter((other) => other === port).length > COUNT / 2);
    if (!found) throw new SetupError(`the Sentinels do not agree on a master: ${named.join()}`);
    return found;
  };
  const hitMaster = (signal: NodeJS.Signals) => async () => {
    const hit = await master();
    hit.signal(signal);
    return hit;
  };
  return {
    master,
    killMaster: hitMaster('SIGKILL'),
    freezeMaster: hitMaster('SIGSTOP'),
    untilReplaced: async (old) => {
      await untilTrue('another server is the master', async () => (await master()).port !== old.port);
      return master();
    },
    untilReplicasInSync: () =>
      untilTrue('the replicas are in sync', async () => {
        const { port, redis } = await master().catch(() => nodes[0] as RedisNode);
        const written = replicationOf(await redis.info('replication')).get('master_repl_offset');
        const others = await Promise.all(
          nodes
            .filter((node) => node.port !== port && node.isRunning())
            .map((node) => node.redis.info('replication')),
        );
        return others.map(replicationOf).every(
          (info) =>
            info.get('master_port') === String(port) &&
            info.get('master_link_status') === 'up' &&
            // Pings of the master count, too: at least what it had when it was asked.
            Number(info.get('slave_repl_offset')) >= Number(written),
        );
      }),
  };
}

interface NodeOptions {
  readonly folder: string;
  readonly port: number;
  readonly masterPort: number;
  readonly password: string;
  readonly tls: RedisTls | undefined;
}

const schemeOf = (tls: RedisTls | undefined) => (tls ? 'rediss' : 'redis');

/** deploy/ha/redis-tls.conf with these files. */
function tlsLines(port: number, { caFile, certFile, keyFile }: RedisTls): string {
  return readFileSync(new URL('redis-tls.conf', DEPLOY), 'utf8')
    .replace(/^tls-port .*$/m, `tls-port ${port}`)
    .replace('/etc/ppuri/redis.crt', certFile)
    .replace('/etc/ppuri/redis.key', keyFile)
    .replace('/etc/ppuri/redis-ca.crt', caFile);
}

/** A file of deploy/ha with the password and other addresses, in a folder of its own. */
function settingsFile(
  { folder, port, password, tls }: NodeOptions,
  name: string,
  lines: readonly string[],
): string {
  const own = join(folder, `${name}-${port}`);
  mkdirSync(own, { recursive: true });
  const file = join(own, name);
  const text = readFileSync(new URL(name, DEPLOY), 'utf8')
    .replaceAll('CHANGE_ME', password)
    .replace(/^port .*$/m, `port ${port}`)
    .replace(/^dir .*$/m, `dir ${own}`)
    .replace(/^bind .*$/m, `bind ${HOST}`);
  writeSecret(file, `${[text, ...lines, tls ? tlsLines(port, tls) : ''].join('\n')}\n`);
  return file;
}

async function startNode(stack: AsyncDisposableStack, options: NodeOptions): Promise<RedisNode> {
  const { folder, port, masterPort, password, tls } = options;
  const file = settingsFile(
    options,
    'redis.conf',
    port === masterPort ? [] : [`replicaof ${HOST} ${masterPort}`],
  );
  const start = () => startServer(`Redis ${port}`, join(folder, `redis.conf-${port}`), port, [file]);
  let part = await start();
  let isRunning = true;
  const watch = () =>
    void part.ended.then(() => {
      isRunning = false;
    });
  watch();
  stack.defer(() => endPart(part));
  const redis = await connectTo(stack, `${schemeOf(tls)}://:${password}@${HOST}:${port}`);
  return {
    port,
    redis,
    isRunning: () => isRunning,
    signal: (name) => part.signal(name),
    restart: async () => {
      await part.ended;
      part = await start();
      isRunning = true;
      watch();
      await untilTrue('the server answers', async () => (await redis.ping().catch(() => '')) === 'PONG');
    },
  };
}

async function startSentinel(stack: AsyncDisposableStack, options: NodeOptions): Promise<void> {
  const { folder, port, masterPort } = options;
  const file = settingsFile(options, 'redis-sentinel.conf', []);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(/^(sentinel monitor \S+) \S+ \d+/m, (_line, start) => `${start} ${HOST} ${masterPort}`),
  );
  const part = await startServer(`Sentinel ${port}`, join(folder, `redis-sentinel.conf-${port}`), port, [
    file,
    '--sentinel',
  ]);
  stack.defer(() => endPart(part));
}

/** A stopped process would not take notice of SIGTERM, and nothing here has to be kept. */
async function endPart(part: Part): Promise<void> {
  part.signal('SIGKILL');
  await part.ended;
}

function startServer(name: string, folder: string, port: number, args: readonly string[]): Promise<Part> {
  return startPart({
    name,
    folder,
    url: `redis://${HOST}:${port}`,
    command: 'redis-server',
    args,
    isReady: () => isListening(port),
  });
}

function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: HOST, port }, () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

async function connectTo(stack: AsyncDisposableStack, url: string): Promise<Redis> {
  const redis = createRedisConnection({ url, onError: () => {} });
  stack.defer(() => redis.disconnect());
  await waitUntilReady(redis, CONNECT_MS);
  return redis;
}

/** An answer of names and values in turns. */
function fieldsOf(answer: unknown): Map<string, string> {
  const words = Array.isArray(answer) ? answer.map(String) : [];
  return new Map(words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : [])));
}

function replicationOf(info: string): Map<string, string> {
  return new Map(info.split(/\r?\n/).map((line) => line.split(':') as [string, string]));
}

async function untilTrue(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (!(await isTrue().catch(() => false))) {
    if (Date.now() > giveUpAt) throw new SetupError(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
