// Calls that the batches go on without: others hold their rows locked, their wallets have to be counted first, or their user's calls
// made Postgres refuse a batch.
//
// Each group of calls waits for one thing. Groups whose rows are free again run together, in lanes of their own. One lane
// waits in Postgres' own queue for the row of the group whose turn it is, so that a row which is locked whenever it is
// polled is still reached. Every call is in exactly one place: the ledger's queue, a group, or a batch.
import {
  DEFERRED_LOCK_WAIT_MS,
  DEFERRED_LONGEST_LOCK_WAIT_MS,
  DEFERRED_MARGIN_MS,
  DEFERRED_MAX_MS,
  DEFERRED_POLL_MS,
} from '../db/timeouts.ts';
import { SYSTEM_USER_ID } from '../domain/intent.ts';
import type { LockedRow } from './locked-rows.ts';
import { refuseUnavailable, type Unfinished, type WaitFor, type WaitingCall } from './waiting-call.ts';

/** How many batches of deferred calls run at once; each needs a connection. */
export const DEFERRED_LANES = 2;

/** How long a user's calls run apart from others' after one of them made Postgres refuse a batch. */
const APART_MS = 10_000;

/** What deferred calls depend on. */
export interface DeferredCallsOptions {
  /** How many calls may be deferred; further ones are refused. */
  readonly maxCalls: number;
  /** Runs calls as one batch, answers those that it can, and returns the others. It must not throw. */
  readonly run: (calls: readonly WaitingCall[], waitFor: WaitFor | undefined) => Promise<Unfinished>;
  /** The first calls that fit into one batch. */
  readonly firstBatch: (calls: readonly WaitingCall[]) => readonly WaitingCall[];
  /** Finds which of the rows that these calls need are locked by others, or have to be counted first. It may throw. */
  readonly findLocked: (calls: readonly WaitingCall[]) => Promise<ReadonlySet<string>>;
  /** The rows that a call needs, by the names that findLocked() uses. It may throw. */
  readonly rowNames: (call: WaitingCall) => readonly string[];
  /** Called when no call is left. */
  readonly onEmpty: () => void;
}

interface Group {
  readonly name: string;
  /** The row that its calls wait for, if it is known. */
  row: LockedRow | undefined;
  calls: WaitingCall[];
  /** Whether new calls that need the same join it. */
  readonly isJoined: boolean;
  /** Whether its calls can run without waiting, as far as is known. */
  isFree: boolean;
  isRunning: boolean;
  /** How often a lane waited for its row in vain. */
  turns: number;
  /**
   * From when it may be tried although it is not known to be free, by performance.now(): a batch that waits for an unknown
   * row holds other rows meanwhile.
   */
  notBefore: number;
  /** Until when the group stays although it is empty, so that new calls join it, by performance.now(). */
  staysUntil: number;
}

/** The calls that are deferred. It costs nothing while there are none. */
export class DeferredCalls {
  readonly #options: DeferredCallsOptions;
  /** In the order of turns: a group that had its turn goes to the end. */
  readonly #groups = new Map<string, Group>();
  /** When a call is refused if it is still here, in milliseconds since 1970. */
  readonly #giveUpAt = new WeakMap<WaitingCall, number>();
  #waiting = 0;
  #underWay = 0;
  #busyLanes = 0;
  #isSomeLaneWaiting = false;
  #timer: NodeJS.Timeout | undefined;
  #isPolling = false;
  #serial = 0;

  constructor(options: DeferredCallsOptions) {
    this.#options = options;
  }

  /** Whether there is a group that new calls could belong to. */
  get hasGroups(): boolean {
    return this.#groups.size > 0;
  }

  /** How many calls are deferred, including those under way. */
  get size(): number {
    return this.#waiting + this.#underWay;
  }

  /** Adds what a batch could not finish. */
  add({ blocked, undetermined, offenders }: Unfinished): void {
    const pause = performance.now() + DEFERRED_LOCK_WAIT_MS;
    for (const { call, name, row } of blocked) {
      const group = this.#groupOf(name, { isJoined: true, isFree: false });
      group.isFree = false;
      group.row = row;
      group.notBefore = row ? 0 : pause;
      this.#put(call, group);
    }
    // It is not known what they wait for: running them by halves finds out which of them do.
    const half = Math.ceil(undetermined.length / 2);
    for (const calls of [undetermined.slice(0, half), undetermined.slice(half)]) {
      if (calls.length === 0) continue;
      this.#serial += 1;
      const group = this.#groupOf(`undetermined/${this.#serial}`, { isJoined: false, isFree: false });
      group.notBefore = pause;
      for (const call of calls) this.#put(call, group);
    }
    for (const { key } of offenders) {
      // The system's own calls come from unrelated jobs.
      if (key.userId === SYSTEM_USER_ID) continue;
      const group = this.#groupOf(userName(key.userId), { isJoined: true, isFree: true });
      group.staysUntil = performance.now() + APART_MS;
    }
    this.#update();
  }

  /** Adds the calls that need what a group already waits for; returns the others. */
  addAffected(calls: readonly WaitingCall[]): WaitingCall[] {
    const others = calls.filter((call) => {
      const names = [userName(call.key.userId), ...this.#rowNames(call)];
      const group = names.map((name) => this.#groups.get(name)).find((one) => one?.isJoined);
      if (group) this.#put(call, group);
      return group === undefined;
    });
    if (others.length < calls.length) this.#update();
    return others;
  }

  #rowNames(call: WaitingCall): readonly string[] {
    try {
      return this.#options.rowNames(call);
    } catch {
      // Its batch will throw the same, and answer it.
      return [];
    }
  }

  #groupOf(name: string, properties: Pick<Group, 'isJoined' | 'isFree'>): Group {
    const existing = this.#groups.get(name);
    if (existing) return existing;
    const group = {
      name,
      row: undefined,
      calls: [],
      isRunning: false,
      turns: 0,
      notBefore: 0,
      staysUntil: 0,
      ...properties,
    };
    this.#groups.set(name, group);
    return group;
  }

  #put(call: WaitingCall, group: Group): void {
    if (this.size >= this.#options.maxCalls) {
      refuseUnavailable([call]);
      return;
    }
    if (!this.#giveUpAt.has(call)) {
      const giveUpAt = Math.min(call.info.deadlineMs - DEFERRED_MARGIN_MS, Date.now() + DEFERRED_MAX_MS);
      this.#giveUpAt.set(call, giveUpAt);
    }
    group.calls.push(call);
    this.#waiting += 1;
  }

  /** Refuses calls whose time is up, drops finished groups, and fills the lanes. */
  #update(): void {
    this.#dropExpired();
    while (this.#busyLanes < DEFERRED_LANES) {
      const ready = [...this.#groups.values()].filter((group) => group.calls.length > 0 && !group.isRunning);
      const free = ready.filter(({ isFree }) => isFree);
      const next = ready.find(({ notBefore }) => notBefore <= performance.now());
      if (free.length > 0) this.#start(free, false);
      // One lane stays for groups whose rows become free.
      else if (next && !this.#isSomeLaneWaiting) this.#start([next], true);
      else break;
    }
    if (this.#groups.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (!this.#isPolling) {
      this.#timer ??= setTimeout(() => void this.#poll(), DEFERRED_POLL_MS);
      // Empty groups that only wait for new calls don't keep the process alive.
      if (this.size === 0) this.#timer.unref();
      else this.#timer.ref();
    }
    if (this.size === 0) this.#options.onEmpty();
  }

  #dropExpired(): void {
    const [now, moment] = [Date.now(), performance.now()];
    for (const group of this.#groups.values()) {
      const late = group.calls.filter((call) => (this.#giveUpAt.get(call) ?? 0) <= now);
      refuseUnavailable(late);
      this.#waiting -= late.length;
      if (late.length > 0) group.calls = group.calls.filter((call) => !late.includes(call));
      const isFinished = group.calls.length === 0 && !group.isRunning && group.staysUntil <= moment;
      if (isFinished) this.#groups.delete(group.name);
    }
  }

  /** Runs as many of the groups' calls as a batch takes. */
  #start(chosen: readonly Group[], isWaiting: boolean): void {
    const calls = this.#options.firstBatch(chosen.flatMap((group) => group.calls));
    const started = new Set(calls);
    const running = chosen.filter((group) => group.calls.some((call) => started.has(call)));
    for (const group of running) {
      group.calls = group.calls.filter((call) => !started.has(call));
      group.isRunning = true;
      this.#groups.delete(group.name);
      this.#groups.set(group.name, group);
    }
    this.#busyLanes += 1;
    this.#waiting -= calls.length;
    this.#underWay += calls.length;
    if (isWaiting) this.#isSomeLaneWaiting = true;
    const left = Math.min(...calls.map((call) => this.#giveUpAt.get(call) ?? 0)) - Date.now();
    const waitFor = isWaiting ? waitOf(chosen[0], left) : undefined;
    void this.#options.run(calls, waitFor).then((unfinished) => {
      this.#busyLanes -= 1;
      this.#underWay -= calls.length;
      if (isWaiting) this.#isSomeLaneWaiting = false;
      for (const group of running) {
        group.isRunning = false;
        // Calls that joined it meanwhile need what was free a moment ago; if it no longer is, their batch finds out.
        group.isFree = true;
      }
      this.add(unfinished);
    });
  }

  /** Finds out which groups' rows are free, and updates everything. */
  async #poll(): Promise<void> {
    this.#timer = undefined;
    this.#isPolling = true;
    const locked = [...this.#groups.values()].filter(
      ({ isFree, isRunning, isJoined }) => isJoined && !isFree && !isRunning,
    );
    const calls = locked.flatMap((group) => group.calls);
    if (calls.length > 0) {
      const names = await this.#options.findLocked(calls).catch(() => undefined);
      for (const group of locked) if (names && !group.isRunning) group.isFree = !names.has(group.name);
    }
    this.#isPolling = false;
    this.#update();
  }
}

/** How long a lane waits for the row of a group: never longer than its callers do. */
function waitOf(group: Group | undefined, leftMs: number): WaitFor | undefined {
  if (!group?.row) return undefined;
  const longestMs = Math.min(DEFERRED_LOCK_WAIT_MS * 2 ** group.turns, DEFERRED_LONGEST_LOCK_WAIT_MS);
  group.turns += 1;
  return { row: group.row, withinMs: Math.max(1, Math.min(longestMs, leftMs)) };
}

function userName(userId: bigint): string {
  return `user/${userId}`;
}
