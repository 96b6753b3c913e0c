// Runs a highly available Postgres on this machine from the files of deploy/ha/: nodes under Patroni, etcd, and a door to the primary.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { SetupError } from '../../cli/program.ts';
import { randomSecret } from '../../dev/files.ts';
import { findFree, HOST } from '../../dev/ports.ts';
import { type RunResult, runCommand } from '../../dev/processes.ts';
import { required } from './part.ts';
import { deployed } from './patroni/deployed.ts';
import { type Door, type DoorKind, startDoor } from './patroni/door.ts';
import { type Etcd, type EtcdTls, startEtcd } from './patroni/etcd.ts';
import { createNetwork, mountDisk, type NodeNetwork, type SmallDisk } from './patroni/faults.ts';
import { ManagedNode, type NodePasswords, type PatroniNode } from './patroni/node.ts';
import {
  findPatroni,
  hasRootPowers,
  linkPatronictl,
  linkPostgres,
  type PatroniPrograms,
} from './patroni/programs.ts';

export type { PatroniNode } from './patroni/node.ts';
export { findPatroni, hasRootPowers } from './patroni/programs.ts';

/** What differs from three nodes, one etcd and synchronous replication. */
export interface PatroniOptions {
  /** Holds everything; the caller makes and removes it. */
  readonly folder: string;
  /** Whether a commit waits for a standby; true by default, as deployed. */
  readonly isSynchronous?: boolean;
  /** Members of etcd: 1 by default, or 3. */
  readonly etcdMembers?: 1 | 3;
  /** Certificates of etcd, for its address; without them it speaks no TLS. */
  readonly etcdTls?: (address: string) => EtcdTls;
  /** Settings of Postgres on every node; without them nothing is archived. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Puts each node into a network of its own, so that it can be cut. Needs root. */
  readonly canCut?: boolean;
  /** Puts the data of each node on a disk of so many megabytes, in memory, so that it can be filled. Needs root. */
  readonly diskMegabytes?: number;
  /** The program of the door; Envoy by default. */
  readonly door?: DoorKind;
  /** Gets a line before an installation. */
  readonly log?: (line: string) => void;
}

/** The cluster, running. Disposing ends all of it. */
export interface PatroniCluster extends AsyncDisposable {
  readonly nodes: readonly PatroniNode[];
  readonly etcd: Etcd;
  readonly door: Door;
  /** Logs in as the superuser to the primary, whichever node it is. */
  readonly doorUrl: string;
  /** The node that is primary, waiting until there is one. */
  leader(): Promise<PatroniNode>;
  /** The standby that has every answered commit, waiting until there is one. */
  syncStandby(): Promise<PatroniNode>;
  /** Waits until there is a primary and every other node streams from it, one of them synchronously where that is on. */
  untilHealthy(): Promise<void>;
  /** kill -9 of its postmaster; Patroni stays. */
  killPostmaster(node: PatroniNode): void;
  /** kill -9 of Patroni and all of Postgres. */
  killNode(node: PatroniNode): Promise<void>;
  /** Starts a killed node again. */
  startNode(node: PatroniNode): Promise<void>;
  /** SIGSTOP of Patroni and all of Postgres. */
  freeze(node: PatroniNode): void;
  thaw(node: PatroniNode): void;
  /** Drops all packets to and from the node. Needs `canCut`. */
  cut(node: PatroniNode): Promise<void>;
  heal(node: PatroniNode): Promise<void>;
  /** Takes all space of its disk and begins segments of WAL until it needs a new one. Needs `diskMegabytes`. */
  fillDisk(node: PatroniNode): Promise<void>;
  freeDisk(node: PatroniNode): void;
  /** A shell of an operator on a node: words before its command, and its variables. patronictl is on its PATH. */
  shellOn(node: PatroniNode): { readonly prefix: readonly string[]; readonly env: NodeJS.ProcessEnv };
  /** Runs patronictl with the configuration of the first node: `patronictl('list')`. */
  patronictl(...args: readonly string[]): Promise<RunResult>;
  /** Another door to the same nodes; the caller disposes it. */
  openDoor(kind: DoorKind): Promise<Door>;
}

const NODES = 3;
const POLL_MS = 100;
/** A failover of a dead node takes ttl, 20 s, and a copy of a node some seconds. */
const HEALTHY_WITHIN_MS = 180_000;

/** Starts it and waits until it is healthy. Throws a SetupError when a program cannot be had. */
export async function startPatroni(options: PatroniOptions): Promise<PatroniCluster> {
  const log = options.log ?? console.error;
  const programs = required('Patroni', await findPatroni(log));
  if ((options.canCut || options.diskMegabytes) && !(await hasRootPowers()))
    throw new SetupError('networks and disks of nodes need root with CAP_NET_ADMIN and CAP_SYS_ADMIN');
  await using stack = new AsyncDisposableStack();
  // Postgres may run as another user.
  chmodSync(options.folder, 0o755);
  const network = options.canCut ? stack.use(await createNetwork(NODES)) : undefined;
  const etcdHost = network?.hostAddress ?? HOST;
  const etcd = stack.use(
    await startEtcd({
      command: programs.etcd,
      folder: join(options.folder, 'etcd'),
      host: etcdHost,
      count: options.etcdMembers ?? 1,
      tls: options.etcdTls?.(etcdHost),
    }),
  );
  const disks = await mountDisks(stack, options);
  const nodes = await prepareNodes(options, programs, etcd, network, log);
  const guard = startGuard(options.folder, [
    ...(network?.cleanUp ?? []),
    ...disks.flatMap(({ cleanUp }) => cleanUp),
  ]);
  stack.defer(() => void guard.kill('SIGKILL'));
  stack.defer(async () => void (await Promise.all(nodes.map((node) => node.kill()))));
  for (const node of nodes) await node.start();
  const door = stack.use(await startDoor(options.door ?? 'envoy', options.folder, nodes, log));
  const cluster = clusterOf({ options, nodes, etcd, door, network, disks, programs, log });
  await cluster.untilHealthy();
  const owned = stack.move();
  return { ...cluster, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const nodeFolder = (folder: string, index: number) => join(folder, `n${index + 1}`);

async function mountDisks(
  stack: AsyncDisposableStack,
  { folder, diskMegabytes }: PatroniOptions,
): Promise<SmallDisk[]> {
  const disks: SmallDisk[] = [];
  if (diskMegabytes === undefined) return disks;
  for (let index = 0; index < NODES; index++)
    disks.push(stack.use(await mountDisk(join(nodeFolder(folder, index), 'disk'), diskMegabytes)));
  return disks;
}

async function prepareNodes(
  options: PatroniOptions,
  programs: PatroniPrograms,
  etcd: Etcd,
  network: NodeNetwork | undefined,
  log: (line: string) => void,
): Promise<ManagedNode[]> {
  const binFolder = join(options.folder, 'bin');
  await linkPostgres(binFolder, log);
  linkPatronictl(binFolder, programs);
  const ports = await findFree(2 * NODES);
  const passwords: NodePasswords = {
    superuser: randomSecret(),
    replication: randomSecret(),
    rewind: randomSecret(),
    rest: randomSecret(),
  };
  return Array.from({ length: NODES }, (_, index) => {
    const folder = nodeFolder(options.folder, index);
    mkdirSync(join(folder, 'disk'), { recursive: true });
    return new ManagedNode({
      name: `n${index + 1}`,
      folder,
      disk: join(folder, 'disk'),
      host: network?.addressOf(index) ?? HOST,
      postgresPort: ports[2 * index] ?? 0,
      restPort: ports[2 * index + 1] ?? 0,
      ...{ programs, binFolder, passwords, etcd },
      local: localConfig(options),
      prefix: network?.prefixOf(index) ?? [],
    });
  });
}

interface DeployedConfig {
  readonly postgresql: { readonly pg_hba: readonly string[] };
}

/** What differs on one machine from the deployed configuration. */
function localConfig({ isSynchronous = true, settings }: PatroniOptions): object {
  const { postgresql }: DeployedConfig = parse(deployed('patroni.yml'));
  return {
    ...(!isSynchronous && { bootstrap: { dcs: { synchronous_mode: false } } }),
    postgresql: {
      // The tools of the wheel speak no TLS (pg-tools.ts), and there is no other machine. Backups come from the node itself.
      pg_hba: postgresql.pg_hba.map((line) =>
        line.replace(/^hostssl (?!replication postgres)/, 'host ').replace('10.0.0.0/24', '0.0.0.0/0'),
      ),
      parameters: {
        unix_socket_directories: '',
        ssl: 'off',
        archive_mode: 'off',
        archive_command: '',
        shared_buffers: '64MB',
        ...settings,
      },
    },
  };
}

/**
 * A process that ends what would outlive this one: it waits for the end of its input, which this process holds open. Patroni
 * leaves Postgres running when it is killed, and the sessions of a stopped Postgres stay stopped. All of them work in their
 * data folder.
 */
function startGuard(folder: string, cleanUp: readonly string[]): ChildProcess {
  const kill = `for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd")" in "$0"/*) kill -9 "\${process#/proc/}";; esac
  done`;
  const script = ['cat >/dev/null', 'sleep 1', kill, ...cleanUp].join('\n');
  return spawn('sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
}

interface Running {
  readonly options: PatroniOptions;
  readonly nodes: readonly ManagedNode[];
  readonly etcd: Etcd;
  readonly door: Door;
  readonly network: NodeNetwork | undefined;
  readonly disks: readonly SmallDisk[];
  readonly programs: PatroniPrograms;
  readonly log: (line: string) => void;
}

function clusterOf(running: Running): Omit<PatroniCluster, typeof Symbol.asyncDispose> {
  const { options, nodes, etcd, door, network, disks, programs, log } = running;
  const [first] = nodes;
  const found = (node: PatroniNode): ManagedNode => {
    const managed = nodes.find(({ name }) => name === node.name);
    if (!managed) throw new SetupError(`there is no node ${node.name}`);
    return managed;
  };
  const diskOf = (node: PatroniNode) => disks[nodes.indexOf(found(node))] ?? missing('diskMegabytes');
  const only = (path: string) =>
    until(`one node answers ${path}`, async () => {
      const statuses = await Promise.all(nodes.map((node) => node.status(path)));
      return statuses.filter((status) => status === 200).length === 1
        ? nodes[statuses.indexOf(200)]
        : undefined;
    });
  return {
    nodes,
    etcd,
    door,
    doorUrl: Object.assign(new URL(first?.url ?? ''), { host: `${HOST}:${door.primaryPort}` }).href,
    leader: () => only('/primary'),
    syncStandby: () => only('/synchronous'),
    untilHealthy: async () => {
      const isSynchronous = options.isSynchronous ?? true;
      await until('the cluster is healthy', () => isHealthy(nodes, isSynchronous));
    },
    killPostmaster: (node) => found(node).killPostmaster(),
    killNode: (node) => found(node).kill(),
    startNode: (node) => found(node).start(),
    freeze: (node) => found(node).signal('SIGSTOP'),
    thaw: (node) => found(node).signal('SIGCONT'),
    cut: (node) => (network ?? missing('canCut')).cut(nodes.indexOf(found(node))),
    heal: (node) => (network ?? missing('canCut')).heal(nodes.indexOf(found(node))),
    fillDisk: async (node) => {
      diskOf(node).fill();
      await useUpWal(found(node));
    },
    freeDisk: (node) => diskOf(node).free(),
    shellOn: (node) => operatorShell(found(node), options.folder, etcd),
    patronictl: (...args) => {
      const [command = '', ...words] = [...programs.patronictl, '-c', first?.configFolder ?? '', ...args];
      return runCommand(command, words, { env: first?.env ?? {} });
    },
    openDoor: (kind) => startDoor(kind, options.folder, nodes, log),
  };
}

/** With the variables that docs/high-availability.md gives an operator. */
function operatorShell(node: ManagedNode, folder: string, { addresses, tls }: Etcd) {
  const variables = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    PATRONICTL_CONFIG_FILE: node.configFolder,
    ETCDCTL_ENDPOINTS: addresses.map((address) => `${tls ? 'https' : 'http'}://${address}`).join(),
    ...(tls && { ETCDCTL_CACERT: tls.caFile, ETCDCTL_CERT: tls.certFile, ETCDCTL_KEY: tls.keyFile }),
  };
  return { prefix: node.prefix, env: { ...node.env, ...variables } };
}

function missing(option: 'canCut' | 'diskMegabytes'): never {
  throw new SetupError(`the cluster was started without ${option}`);
}

async function isHealthy(nodes: readonly ManagedNode[], isSynchronous: boolean): Promise<true | undefined> {
  const gone = nodes.find(({ patroniPid }) => patroniPid === undefined);
  if (gone) throw new SetupError(`Patroni of ${gone.name} does not run; see ${gone.logFile}`);
  const statuses = await Promise.all(nodes.map((node) => node.status('/primary')));
  const leaders = nodes.filter((_, index) => statuses[index] === 200);
  const [leader] = leaders;
  if (!leader || leaders.length > 1) return undefined;
  const row = await leader.ask<{ streaming: number; sync: number }>(
    `SELECT count(*)::int AS streaming, (count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')))::int AS sync
       FROM pg_stat_replication WHERE state = 'streaming' AND application_name LIKE 'n_'`,
  );
  if (row?.streaming !== nodes.length - 1) return undefined;
  if (!isSynchronous) return true;
  // Patroni promotes a standby once etcd knows that it is synchronous.
  const known = await Promise.all(nodes.map((node) => node.status('/synchronous')));
  return row.sync > 0 && known.includes(200) ? true : undefined;
}

/** Recycled segments are written without a need of space, so the full disk is noticed only when there is none left. */
async function useUpWal(node: ManagedNode): Promise<void> {
  const sql = `SELECT pg_logical_emit_message(false, 'ppuri', 'full'), pg_switch_wal()`;
  await until('Postgres needs a new segment', async () =>
    (await node.ask(sql)) === undefined ? true : undefined,
  );
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = Date.now() + HEALTHY_WITHIN_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > giveUpAt) throw new Error(`not within ${HEALTHY_WITHIN_MS / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
