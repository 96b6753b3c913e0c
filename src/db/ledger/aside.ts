// Calls that the batches go on without: their rows are locked by others, or their users' calls made Postgres refuse.
//
// Each group of calls waits for one thing. Groups whose rows are free again go together, in lanes of their own. One lane
// waits in Postgres' own queue for the rows of the group whose turn it is, so that a row which is always locked when it
// is looked at is still reached. Every call is in exactly one place: the batcher's queue, a group, or a batch.
import { Refusal } from '../../domain/refusal.ts';
import {
  ASIDE_LOCK_WAIT_MS,
  ASIDE_LONGEST_LOCK_WAIT_MS,
  ASIDE_MARGIN_MS,
  ASIDE_MAX_MS,
  ASIDE_POLL_MS,
} from '../timeouts.ts';
import type { LockedRow } from './find-blocked.ts';
import type { WaitFor } from './load-book.ts';
import type { Rest, WaitingCall } from './run-batch.ts';

/** How many batches of calls that were set aside run at a time; each needs a connection. */
export const ASIDE_LANES = 2;

/** How long a user's calls stay apart from others' after one of them made Postgres refuse a batch. */
const APART_MS = 10_000;
const TRY_AGAIN_MS = 1_000;
const SYSTEM_USER_ID = 0n;

/** What the place for calls that were set aside works with. */
export interface AsideOptions {
  /** How many calls may be set aside; the ones above that are refused. */
  readonly maxCalls: number;
  /** Runs calls as one batch, answers those that it can, and returns the others. It must not throw. */
  readonly run: (calls: readonly WaitingCall[], waitFor: WaitFor | undefined) => Promise<Rest>;
  /** The first calls that fit into one batch. */
  readonly cut: (calls: readonly WaitingCall[]) => readonly WaitingCall[];
  /** Returns which rows are locked by others, of those that these calls need. It may throw. */
  readonly findBlocked: (calls: readonly WaitingCall[]) => Promise<ReadonlyMap<string, LockedRow>>;
  /** The rows that a call needs, by the names that findBlocked() uses. It may throw. */
  readonly namesOf: (call: WaitingCall) => readonly string[];
  /** Told when no call is left. */
  readonly onEmpty: () => void;
}

interface Group {
  readonly name: string;
  /** The row that its calls wait for, where it is known. */
  row: LockedRow | undefined;
  calls: WaitingCall[];
  /** Whether new calls that need the same join it. */
  readonly isJoined: boolean;
  /** Whether its calls may run without waiting for anything, as far as is known. */
  isFree: boolean;
  isRunning: boolean;
  /** How often its row was waited for in vain. */
  turns: number;
  /**
   * When it may be tried although it is not known to be free, by performance.now(): what waits for an unknown row holds
   * others' rows meanwhile.
   */
  notBefore: number;
  /** Until when the group stays although it is empty, so that new calls join it; by performance.now(). */
  staysUntil: number;
}

/** The place for calls that were set aside. It costs nothing while there are none. */
export class Aside {
  readonly #options: AsideOptions;
  /** In the order of turns: who had one goes to the end. */
  readonly #groups = new Map<string, Group>();
  /** When calls are refused, in milliseconds since 1970. */
  readonly #giveUpAt = new WeakMap<WaitingCall, number>();
  #waiting = 0;
  #underWay = 0;
  #busyLanes = 0;
  #isSomeLaneWaiting = false;
  #timer: NodeJS.Timeout | undefined;
  #isPolling = false;
  #serial = 0;

  constructor(options: AsideOptions) {
    this.#options = options;
  }

  /** Whether there is anything that a new call could be affected by. */
  get isOpen(): boolean {
    return this.#groups.size > 0;
  }

  /** How many calls are here, those under way included. */
  get size(): number {
    return this.#waiting + this.#underWay;
  }

  /** Takes what a batch left over. */
  take({ blocked, unclear, offenders }: Rest): void {
    const pause = performance.now() + ASIDE_LOCK_WAIT_MS;
    for (const { call, name, row } of blocked) {
      const group = this.#groupOf(name, { isJoined: true, isFree: false });
      group.isFree = false;
      group.row = row;
      group.notBefore = row ? 0 : pause;
      this.#put(call, group);
    }
    // What they wait for is not known: halves find out which of them do.
    const half = Math.ceil(unclear.length / 2);
    for (const calls of [unclear.slice(0, half), unclear.slice(half)]) {
      if (calls.length === 0) continue;
      this.#serial += 1;
      const group = this.#groupOf(`unclear/${this.#serial}`, { isJoined: false, isFree: false });
      group.notBefore = pause;
      for (const call of calls) this.#put(call, group);
    }
    for (const { key } of offenders) {
      // The system's own calls come from many jobs, which have nothing in common.
      if (key.userId === SYSTEM_USER_ID) continue;
      const group = this.#groupOf(userName(key.userId), { isJoined: true, isFree: true });
      group.staysUntil = performance.now() + APART_MS;
    }
    this.#keep();
  }

  /** Takes those of the calls that would only run into what others wait for already; returns the others. */
  takeAffected(calls: readonly WaitingCall[]): WaitingCall[] {
    const others = calls.filter((call) => {
      const names = [userName(call.key.userId), ...this.#namesOf(call)];
      const group = names.map((name) => this.#groups.get(name)).find((one) => one?.isJoined);
      if (group) this.#put(call, group);
      return group === undefined;
    });
    if (others.length < calls.length) this.#keep();
    return others;
  }

  #namesOf(call: WaitingCall): readonly string[] {
    try {
      return this.#options.namesOf(call);
    } catch {
      // A batch finds out, and answers it.
      return [];
    }
  }

  #groupOf(name: string, properties: Pick<Group, 'isJoined' | 'isFree'>): Group {
    const found = this.#groups.get(name);
    if (found) return found;
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
      refuse(call);
      return;
    }
    if (!this.#giveUpAt.has(call)) {
      const patience = Math.min(call.info.deadlineMs - ASIDE_MARGIN_MS, Date.now() + ASIDE_MAX_MS);
      this.#giveUpAt.set(call, patience);
    }
    group.calls.push(call);
    this.#waiting += 1;
  }

  /** Refuses whoever has waited long enough, forgets groups that are over, and fills the lanes. */
  #keep(): void {
    this.#sweep();
    while (this.#busyLanes < ASIDE_LANES) {
      const open = [...this.#groups.values()].filter((group) => group.calls.length > 0 && !group.isRunning);
      const free = open.filter(({ isFree }) => isFree);
      const next = open.find(({ notBefore }) => notBefore <= performance.now());
      if (free.length > 0) this.#start(free, false);
      // One lane stays for groups that become free.
      else if (next && !this.#isSomeLaneWaiting) this.#start([next], true);
      else break;
    }
    if (this.#groups.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (!this.#isPolling) {
      this.#timer ??= setTimeout(() => void this.#poll(), ASIDE_POLL_MS);
      // Groups that only stay for calls that may come keep no process alive.
      if (this.size === 0) this.#timer.unref();
      else this.#timer.ref();
    }
    if (this.size === 0) this.#options.onEmpty();
  }

  #sweep(): void {
    const [now, moment] = [Date.now(), performance.now()];
    for (const group of this.#groups.values()) {
      const inTime = group.calls.filter((call) => (this.#giveUpAt.get(call) ?? 0) > now);
      if (inTime.length < group.calls.length) {
        for (const call of group.calls) if (!inTime.includes(call)) refuse(call);
        this.#waiting -= group.calls.length - inTime.length;
        group.calls = inTime;
      }
      const isOver = group.calls.length === 0 && !group.isRunning && group.staysUntil <= moment;
      if (isOver) this.#groups.delete(group.name);
    }
  }

  /** Runs as many of the groups' calls as a batch takes. */
  #start(chosen: readonly Group[], isWaiting: boolean): void {
    const calls = this.#options.cut(chosen.flatMap((group) => group.calls));
    const going = new Set(calls);
    const running = chosen.filter((group) => group.calls.some((call) => going.has(call)));
    for (const group of running) {
      group.calls = group.calls.filter((call) => !going.has(call));
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
    void this.#options.run(calls, waitFor).then((rest) => {
      this.#busyLanes -= 1;
      this.#underWay -= calls.length;
      if (isWaiting) this.#isSomeLaneWaiting = false;
      for (const group of running) {
        group.isRunning = false;
        // Whoever joined it meanwhile needs what was just free; if it is not any more, that shows.
        group.isFree = true;
      }
      this.take(rest);
    });
  }

  /** Asks which groups are free, and looks after everything. */
  async #poll(): Promise<void> {
    this.#timer = undefined;
    this.#isPolling = true;
    const asked = [...this.#groups.values()].filter(
      ({ isFree, isRunning, isJoined }) => isJoined && !isFree && !isRunning,
    );
    const calls = asked.flatMap((group) => group.calls);
    if (calls.length > 0) {
      const blocked = await this.#options.findBlocked(calls).catch(() => undefined);
      for (const group of asked) if (blocked && !group.isRunning) group.isFree = !blocked.has(group.name);
    }
    this.#isPolling = false;
    this.#keep();
  }
}

/** How long a lane waits for the row of a group; never longer than the callers do. */
function waitOf(group: Group | undefined, leftMs: number): WaitFor | undefined {
  if (!group?.row) return undefined;
  const longestMs = Math.min(ASIDE_LOCK_WAIT_MS * 2 ** group.turns, ASIDE_LONGEST_LOCK_WAIT_MS);
  group.turns += 1;
  return { row: group.row, withinMs: Math.max(1, Math.min(longestMs, leftMs)) };
}

function userName(userId: bigint): string {
  return `user/${userId}`;
}

function refuse(call: WaitingCall): void {
  call.reject(new Refusal('UNAVAILABLE', { retryAfterMs: TRY_AGAIN_MS }));
}
