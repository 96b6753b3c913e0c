// Does the backups and drills that were asked for, where a worker has the command for them.
//
// They are not jobs of the queue: a queue gives a job to any worker, and these are for the one that is set up for them. The
// run in the database is the request, the lock and the record in one (migration 0075). A worker takes a run and says every
// few seconds that it lives; the run of one that died is abandoned when its lease is over, and the command dies with it.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Pool, type Reader, sqlState } from '../../db/pool.ts';
import {
  abandonLostRuns,
  type ClaimedRun,
  claimRun,
  finishRun,
  keepRun,
  markVerified,
  noteWorker,
  type RunEnd,
  storeBackups,
} from '../../db/recovery/index.ts';
import { inTransaction } from '../../db/transaction.ts';
import { drillFault, RUN_KINDS, type RunKind, type StoredBackup } from '../../domain/recovery.ts';
import type { JobObserver } from '../job.ts';
import { type Ended, runCommand } from './command.ts';
import { failureOf, readBackup, readBackups, readDrill } from './reports.ts';

/** The commands of a worker; undefined for what it does not do. */
export interface RecoverySettings {
  readonly backupCommand: string | undefined;
  readonly drillCommand: string | undefined;
}

/** How long the runner waits, in milliseconds. */
export interface RecoveryTimes {
  readonly pollMs: number;
  /** How long a run outlives the last sign of its worker: longer than a failover of the database takes. */
  readonly leaseMs: number;
  /** How long a command may take before it is ended. */
  readonly mostMs: number;
}

/** The times of workers in production; tests have shorter ones. */
export const RECOVERY_TIMES: RecoveryTimes = {
  pollMs: 1_000,
  leaseMs: 2 * 60_000,
  mostMs: 24 * 60 * 60_000,
};

/** How often a worker says that it is set up, in milliseconds. */
const NOTE_EVERY_MS = 10_000;
/** A run is kept this many times within its lease. */
const KEEPS_PER_LEASE = 12;
/** The SQLSTATEs of values that a table does not take: cardinality violation, data exception, constraint violation. */
const BAD_VALUES = /^2[123]/;
/** How long a list of the storage may take, in milliseconds. */
const LIST_MS = 10 * 60_000;

/** What a runner works with. */
export interface RecoveryRunnerTools {
  readonly pool: Pool;
  readonly observer: Pick<JobObserver, 'recoveryRan' | 'trouble'>;
  readonly times: RecoveryTimes;
}

/** Starts it. Disposing of it ends the command that is under way, whose run is abandoned. */
export function createRecoveryRunner(
  { backupCommand, drillCommand }: RecoverySettings,
  tools: RecoveryRunnerTools,
): AsyncDisposable {
  const runner = new RecoveryRunner({ backup: backupCommand, drill: drillCommand }, tools);
  return { [Symbol.asyncDispose]: () => runner.stop() };
}

/** How a run ended, and what is known of the storage since. */
interface Outcome extends RunEnd {
  readonly backups: readonly StoredBackup[];
  /** Whether `backups` is the whole list. */
  readonly isWhole: boolean;
  /** The labels of backups that a drill restored. */
  readonly verified: readonly string[];
}

class RecoveryRunner {
  readonly #commands: Readonly<Record<RunKind, string | undefined>>;
  readonly #tools: RecoveryRunnerTools;
  readonly #kinds: readonly RunKind[];
  readonly #worker = randomUUID();
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(commands: Readonly<Record<RunKind, string | undefined>>, tools: RecoveryRunnerTools) {
    this.#commands = commands;
    this.#tools = tools;
    this.#kinds = RUN_KINDS.filter((kind) => commands[kind] !== undefined);
    this.#running = Promise.all([this.#noteWorker(), ...this.#kinds.map((kind) => this.#work(kind))]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #noteWorker(): Promise<void> {
    if (this.#kinds.length === 0) return;
    while (!this.#stopping.signal.aborted) {
      await this.#attempt('noting a worker of recovery', () => noteWorker(this.#tools.pool, this.#kinds));
      await this.#pause(NOTE_EVERY_MS);
    }
  }

  async #work(kind: RunKind): Promise<void> {
    const { pool, times } = this.#tools;
    while (!this.#stopping.signal.aborted) {
      const run = await this.#attempt(`taking a ${kind}`, () =>
        claimRun(pool, kind, this.#worker, times.leaseMs),
      );
      if (run) await this.#attempt(`doing a ${kind}`, () => this.#do(kind, run));
      else await this.#pause(times.pollMs);
    }
  }

  async #do(kind: RunKind, run: ClaimedRun): Promise<void> {
    const startedAt = performance.now();
    const [done, lost] = [new AbortController(), new AbortController()];
    const keeping = this.#keep(run, done.signal, lost);
    let outcome: Outcome | undefined;
    try {
      outcome = await this.#outcome(kind, run, lost.signal);
      if (outcome) await this.#end(run, outcome, lost.signal);
    } finally {
      done.abort();
      await keeping;
    }
    if (!outcome && !lost.signal.aborted) await this.#release(run);
    const error = outcome ? outcome.error : 'it was given up: its lease was over, or the worker stops';
    this.#tools.observer.recoveryRan(kind, run.id, Math.round(performance.now() - startedAt), error);
  }

  /** Puts the end of the lease off until `done`; aborts `lost` where the run is another's or nobody's. */
  async #keep(run: ClaimedRun, done: AbortSignal, lost: AbortController): Promise<void> {
    const { pool, times } = this.#tools;
    while (!done.aborted && !lost.signal.aborted) {
      await sleep(times.leaseMs / KEEPS_PER_LEASE, undefined, { signal: done }).catch(() => {});
      if (done.aborted) return;
      const isOurs = await this.#attempt('keeping a run of recovery', () =>
        keepRun(pool, run.id, this.#worker, times.leaseMs),
      );
      if (isOurs === false && !done.aborted) lost.abort();
    }
  }

  /** Undefined where the command was ended because the worker stops or the run is lost. */
  async #outcome(kind: RunKind, run: ClaimedRun, lost: AbortSignal): Promise<Outcome | undefined> {
    const { mostMs } = this.#tools.times;
    const givenUp = AbortSignal.any([this.#stopping.signal, lost]);
    const late = AbortSignal.timeout(mostMs);
    const command = `${this.#commands[kind]}${run.isFull ? ' --full' : ''}`;
    const ended = await runCommand(command, AbortSignal.any([givenUp, late]));
    const outcome = kind === 'backup' ? backupOutcome(ended) : drillOutcome(ended);
    if (outcome.error !== '' && givenUp.aborted) return undefined;
    if (outcome.error !== '' && late.aborted)
      return { ...outcome, error: `it was ended after ${mostMs / 60_000} minutes` };
    const listed = givenUp.aborted ? undefined : await this.#list(givenUp);
    return listed ? { ...outcome, backups: listed, isWhole: true, verified: [] } : outcome;
  }

  /** The list of the storage, where this worker has the command for it. */
  async #list(givenUp: AbortSignal): Promise<StoredBackup[] | undefined> {
    const command = this.#commands.backup;
    if (command === undefined) return undefined;
    const signal = AbortSignal.any([givenUp, AbortSignal.timeout(LIST_MS)]);
    return this.#attempt('listing backups', async () => {
      const ended = await runCommand(`${command} --list`, signal);
      const backups = ended.code === 0 ? readBackups(ended.output) : undefined;
      if (!backups && !givenUp.aborted) throw new Error(failureOf(ended));
      return backups;
    });
  }

  /**
   * Ends the run, and stores the list in the same transaction, so that no reader sees a backup twice. It goes on until the
   * database has taken it, however long that is away. A list that the database refuses is left out.
   */
  async #end(run: ClaimedRun, outcome: Outcome, lost: AbortSignal): Promise<void> {
    const { backups, isWhole, verified, ...end } = outcome;
    let isListRefused = false;
    const store = async (client: Reader) => {
      if (isWhole || backups.length > 0) await storeBackups(client, backups, { isWhole });
      if (verified.length > 0) await markVerified(client, verified);
    };
    while (!lost.aborted) {
      const isEnded = await this.#attempt('ending a run of recovery', () =>
        inTransaction(this.#tools.pool, async (client) => {
          const hasListed = isWhole && !isListRefused;
          const report = hasListed ? { ...end.report, hasListed } : end.report;
          const isOurs = await finishRun(client, run.id, this.#worker, { ...end, report });
          if (!isOurs || isListRefused) return true;
          await store(client).catch((error: unknown) => {
            isListRefused = BAD_VALUES.test(sqlState(error) ?? '');
            throw error;
          });
          return true;
        }),
      );
      if (isEnded || this.#stopping.signal.aborted) return;
      await this.#pause(this.#tools.times.pollMs);
    }
  }

  /** Leaves a run at once to be abandoned, and not when its lease is over. */
  async #release(run: ClaimedRun): Promise<void> {
    await this.#attempt('leaving a run of recovery', async () => {
      await keepRun(this.#tools.pool, run.id, this.#worker, 0);
      await abandonLostRuns(this.#tools.pool);
    });
  }

  /** Undefined where it failed, which is told. */
  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#tools.observer.trouble(what, error);
      return undefined;
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

function backupOutcome(ended: Ended): Outcome {
  const record = ended.code === 0 ? readBackup(ended.output) : undefined;
  if (!record)
    return { error: failureOf(ended), report: undefined, backups: [], isWhole: false, verified: [] };
  const { clusterId, label, kind, base } = record;
  return {
    error: '',
    report: { clusterId, label, kind, base },
    backups: [record],
    isWhole: false,
    verified: [],
  };
}

function drillOutcome(ended: Ended): Outcome {
  const figures = readDrill(ended.output);
  const error = figures ? drillFault(figures, ended.code) : failureOf(ended);
  const verified = error === '' && figures ? figures.backups : [];
  return { error, report: figures, backups: [], isWhole: false, verified };
}
