// The failover drill: the primary is lost in one of five ways under traffic, a standby takes over, and the old primary comes back.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, connectionConfig } from '../../../src/db/connection.ts';
import { createNodeGuard, type NodeGuard } from '../../../src/db/node-guard.ts';
import { SetupError } from '../../cli/program.ts';
import { connect } from '../../recovery/cluster-facts.ts';
import { checkLedger } from '../../recovery/ledger-check.ts';
import type { PatroniNode } from '../parts/patroni.ts';
import { DAMAGE_NAMES, type Damage, type DrillOptions, type DrillReport, Stopwatch } from './drill.ts';
import { type FailoverNodes, startFailoverNodes } from './failover-nodes.ts';
import { countStale, judgePayments } from './ledger-verdict.ts';
import { findWallets, longestGapSeconds, type Payers, startPayers } from './payers.ts';

/** What can happen to the primary, and after how many seconds at most somebody must be paid again. */
export const DAMAGES = {
  postmaster: { what: 'kill -9 of the postmaster', rtoLimitSeconds: 10 },
  node: { what: 'kill -9 of everything on the node', rtoLimitSeconds: 30 },
  frozen: { what: 'everything on the node is frozen', rtoLimitSeconds: 30 },
  network: { what: 'the node is cut off', rtoLimitSeconds: 30 },
  disk: { what: 'its disk is full', rtoLimitSeconds: 30 },
} as const satisfies Record<Damage, object>;

/** How to run it. */
export interface FailoverOptions extends DrillOptions {
  /**
   * Loses payments on purpose, to see that the drill would notice: replication is asynchronous, and the primary sends nothing
   * any more for some payments before it is killed.
   */
  readonly losesPayments?: boolean;
}

/** What it says besides. */
export interface FailoverReport extends DrillReport {
  readonly damage: Damage;
  readonly rtoLimitSeconds: number;
  /** The longest time that one caller waited between two payments. */
  readonly slowestCallerSeconds: number;
  /** How often a process that knows the new primary trusted the old one while it came back. */
  readonly trustedOld: number;
}

/** How long traffic runs before the damage, in milliseconds: at least, and at most so much more. */
const TRAFFIC_MS = 2_000;
const TRAFFIC_MORE_MS = 2_000;
const AFTER_MS = 1_500;
/** How long balances are read while the old primary comes back and nobody pays, in milliseconds. */
const WATCH_MS = 3_000;
const TRUST_WITHIN_MS = 1_000;
const NEW_PRIMARY_WITHIN_MS = 90_000;
const DISK_MEGABYTES = 768;
/** How many payments the negative control makes that no standby gets. */
const PAYMENTS_TO_LOSE = 20;

/** The kind of damage of a seed: five seeds in a row have all five. */
export function damageOf(seed: number): Damage {
  return DAMAGE_NAMES[(seed + DAMAGE_NAMES.length - 1) % DAMAGE_NAMES.length] as Damage;
}

/** Runs it. */
export async function failoverDrill(options: FailoverOptions): Promise<FailoverReport> {
  const { folder, seed, log, losesPayments = false } = options;
  const damage = options.damage ?? damageOf(seed);
  const watch = new Stopwatch(log);
  await using nodes = await watch.step('start the nodes', () =>
    startFailoverNodes({
      ...{ folder, log, isSynchronous: !losesPayments, canCut: damage === 'network' },
      diskMegabytes: damage === 'disk' ? DISK_MEGABYTES : undefined,
    }),
  );
  const { cluster, callers } = nodes;
  const [caller] = callers;
  if (!caller) throw new SetupError('there is nobody to call');
  const wallets = await findWallets(caller);
  const payers = startPayers(callers, wallets);
  await sleep(trafficMs(seed));
  const old = await cluster.leader();
  const senders = losesPayments ? await watch.step('stop replication', () => stopSending(old, payers)) : [];
  const damagedAt = Date.now();
  await watch.step(DAMAGES[damage].what, () => doDamage(nodes, damage, old));
  for (const pid of senders) process.kill(pid, 'SIGKILL');
  await watch.step('another node is primary', () => untilOther(nodes, old));
  await watch.step('the first payment', () => payers.next());
  await sleep(AFTER_MS);
  const watchedUntil = Date.now();
  const seen = await watch.step('the old primary comes back', () =>
    comeBack({ nodes, damage, old, payers, wallets }),
  );
  await watch.step('it is a standby', () => cluster.untilHealthy());
  await watch.step('let the callers end', () => payers.stop());
  // Awaited here, because the nodes end with this function.
  return await judge({ watch, nodes, payers, wallets, damage, damagedAt, watchedUntil, seed, ...seen });
}

/** Between two and four seconds, by the seed (Knuth's multiplicative hash). */
function trafficMs(seed: number): number {
  return TRAFFIC_MS + ((Math.imul(seed, 2_654_435_761) >>> 0) % TRAFFIC_MORE_MS);
}

async function doDamage({ cluster }: FailoverNodes, damage: Damage, old: PatroniNode): Promise<void> {
  if (damage === 'postmaster') cluster.killPostmaster(old);
  else if (damage === 'node') await cluster.killNode(old);
  else if (damage === 'frozen') cluster.freeze(old);
  else if (damage === 'network') await cluster.cut(old);
  else await cluster.fillDisk(old);
}

async function undoDamage({ cluster }: FailoverNodes, damage: Damage, old: PatroniNode): Promise<void> {
  // Patroni brings back what it still watches over.
  if (damage === 'node') await cluster.startNode(old);
  else if (damage === 'frozen') cluster.thaw(old);
  else if (damage === 'network') await cluster.heal(old);
  else if (damage === 'disk') cluster.freeDisk(old);
}

async function untilOther({ cluster }: FailoverNodes, old: PatroniNode): Promise<void> {
  for (const giveUpAt = Date.now() + NEW_PRIMARY_WITHIN_MS; (await cluster.leader()).name === old.name; )
    if (Date.now() > giveUpAt) throw new SetupError(`${old.name} is still the primary`);
}

/**
 * Lets the processes of the primary that send to standbys stand still, and waits for some payments that they don't send. They
 * never go on: SIGKILL ends a stopped process where it stands.
 */
async function stopSending(primary: PatroniNode, payers: Payers): Promise<number[]> {
  const client = await connect(primary.url);
  const { rows } = await client.query<{ pid: number }>('SELECT pid FROM pg_stat_replication');
  await client.end();
  for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
  for (const enough = payers.paid.length + PAYMENTS_TO_LOSE; payers.paid.length < enough; )
    await payers.next();
  return rows.map(({ pid }) => pid);
}

interface Return {
  readonly nodes: FailoverNodes;
  readonly damage: Damage;
  readonly old: PatroniNode;
  readonly payers: Payers;
  readonly wallets: ReadonlyMap<bigint, string>;
}

interface SeenOnReturn {
  /** Balances that were shown falsely. */
  readonly stale: number;
  readonly trustedOld: number;
}

/** Lets the old primary come back while nobody pays, so that every balance is known. */
async function comeBack({ nodes, damage, old, payers, wallets }: Return): Promise<SeenOnReturn> {
  const guard = createNodeGuard();
  if (!(await isTrusted(nodes.ownerUrl, guard))) throw new SetupError('the new primary is not trusted');
  await payers.pause(true);
  await undoDamage(nodes, damage, old);
  let [stale, trustedOld] = [0, 0];
  for (const end = Date.now() + WATCH_MS; Date.now() < end; )
    for (const caller of nodes.callers) {
      if (await isTrusted(old.url, guard)) trustedOld += 1;
      stale += await countStale(nodes.ownerUrl, caller, wallets);
    }
  await payers.pause(false);
  return { stale, trustedOld };
}

/** Whether a server that shares this guard would use the node. */
async function isTrusted(url: string, guard: NodeGuard): Promise<boolean> {
  const limits = { connectWithinMs: TRUST_WITHIN_MS, answerWithinMs: TRUST_WITHIN_MS };
  const connection = new Connection(connectionConfig({ url, guard, ...limits }));
  const trusted = await connection.connect().then(
    () => true,
    () => false,
  );
  await connection.end().catch(() => {});
  return trusted;
}

interface Aftermath extends SeenOnReturn {
  readonly watch: Stopwatch;
  readonly nodes: FailoverNodes;
  readonly payers: Payers;
  readonly wallets: ReadonlyMap<bigint, string>;
  readonly damage: Damage;
  readonly damagedAt: number;
  /** Nobody pays afterwards until the old primary is back. */
  readonly watchedUntil: number;
  readonly seed: number;
}

async function judge(after: Aftermath): Promise<FailoverReport> {
  const { watch, nodes, payers, wallets, damage, damagedAt, watchedUntil, trustedOld, seed } = after;
  let { stale } = after;
  for (const caller of nodes.callers) stale += await countStale(nodes.ownerUrl, caller, wallets);
  const ledger = await connect(nodes.ownerUrl);
  try {
    const { undone, doubled } = await judgePayments(ledger, payers.paid);
    const firstLost = Math.min(damagedAt, ...undone.map(({ answeredAt }) => answeredAt));
    const books = await checkLedger(ledger, 'ppuri');
    return {
      drill: 'failover',
      seed,
      damage,
      rtoSeconds: longestGapSeconds(payers.paid, damagedAt, watchedUntil),
      rtoLimitSeconds: DAMAGES[damage].rtoLimitSeconds,
      slowestCallerSeconds: Math.max(
        ...[...Map.groupBy(payers.paid, ({ payer }) => payer).values()].map((paid) =>
          longestGapSeconds(paid, damagedAt, watchedUntil),
        ),
      ),
      rpoSeconds: (damagedAt - firstLost) / 1000,
      acknowledged: payers.paid.length,
      lost: undone.length,
      doubled,
      stale,
      trustedOld,
      booksOk: books.faults.length === 0,
      steps: watch.steps,
    };
  } finally {
    await ledger.end();
  }
}
