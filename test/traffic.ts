// Constant mixed traffic of signed calls against running servers, which records what every caller was answered and when.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { actingAs, withKey } from './api.ts';
import type { Answer, ApiClient, Json } from './api-client.ts';

/** A balance that a caller was shown. */
export interface SeenBalance {
  readonly user: number;
  readonly balance: bigint;
  /** When it was asked for and answered, in milliseconds since 1970. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** The transfers of that user that had been answered to some caller before it was asked for. */
  readonly known: readonly string[];
}

/** One answer to one attempt. */
export interface Answered {
  /** When it was asked for, in milliseconds since 1970. */
  readonly at: number;
  readonly tookMs: number;
  readonly isAccepted: boolean;
}

/** What was seen. */
export interface TrafficRecord {
  readonly balances: SeenBalance[];
  readonly answers: Answered[];
  /** The transfer of each payment that was answered, by its idempotency key. */
  readonly paid: Map<string, string>;
  /** Answers after which the call was made again, each as `RPC over gRPC: REASON`. */
  readonly retried: string[];
  /** Calls that failed for good, in the same form. */
  readonly failed: string[];
}

/** Where traffic goes, for whom, and how persistent its callers are. */
export interface TrafficOptions {
  /** Calls go to each of them in turn. */
  readonly clients: readonly ApiClient[];
  readonly users: readonly number[];
  /** How many callers call side by side, each one call after the other. */
  readonly callers: number;
  /** How long a caller waits between two calls, in milliseconds. */
  readonly pauseMs: number;
  /** Whether a caller makes a call again, under the same key, after an answer that is not OK. */
  isTransient(answer: Answer | Error, client: ApiClient): boolean;
  /** How often it makes a call again at most. */
  readonly retries: number;
}

/** Traffic that runs until it is stopped. */
export interface Traffic {
  readonly record: TrafficRecord;
  /** Lets every call come to its end, with its retries, and stops. */
  stop(): Promise<void>;
  /** Stops and makes no call again. */
  abandon(): Promise<void>;
}

const RETRY_AFTER_MS = 50;
const KNOWN = 20;

/** Starts callers: of ten calls each makes, four pay, five read a balance and one reads a history. */
export function startTraffic(options: TrafficOptions): Traffic {
  const { clients, users, callers, pauseMs, retries, isTransient } = options;
  const record: TrafficRecord = { balances: [], answers: [], paid: new Map(), retried: [], failed: [] };
  const known = new Map<number, string[]>(users.map((user) => [user, []]));
  const stopping = new AbortController();
  let isAbandoned = false;
  let calls = 0;

  /** One attempt after the other, until one is accepted; undefined where none is. */
  const call = async (method: string, request: Json, user: number, key?: string) => {
    const rpc = `wallet.v1.WalletService/${method}`;
    const identity = key === undefined ? actingAs(user) : withKey(user, key);
    for (let attempt = 0; ; attempt++) {
      const client = clients[calls++ % clients.length] as ApiClient;
      const seenBefore = (known.get(user) ?? []).slice(-KNOWN);
      const askedAt = Date.now();
      const startedAt = performance.now();
      const answer = await client.call(rpc, request, identity).catch((error: Error) => error);
      const isAccepted = !(answer instanceof Error) && answer.status === status.OK;
      record.answers.push({ at: askedAt, tookMs: performance.now() - startedAt, isAccepted });
      if (isAccepted) return { answer, askedAt, answeredAt: Date.now(), seenBefore };
      const what = `${rpc} over ${client.name}: ${reasonOf(answer)}`;
      const isRetried = attempt < retries && isTransient(answer, client);
      (isRetried ? record.retried : record.failed).push(what);
      if (!isRetried || isAbandoned) return undefined;
      await sleep(RETRY_AFTER_MS);
    }
  };

  const pay = async (from: number, to: number) => {
    const key = crypto.randomUUID();
    const paid = await call('Transfer', { to_user_id: to, amount: 1 }, from, key);
    if (!paid) return;
    const id = String(paid.answer.body.transaction_id);
    record.paid.set(key, id);
    for (const user of [from, to]) known.get(user)?.push(id);
  };

  const readBalance = async (user: number) => {
    const read = await call('GetBalance', {}, user);
    if (!read) return;
    const { answer, askedAt, answeredAt, seenBefore } = read;
    const balance = BigInt(String(answer.body.balance));
    record.balances.push({ user, balance, askedAt, answeredAt, known: seenBefore });
  };

  const run = async (index: number) => {
    const at = (offset: number) => users[(index + offset) % users.length] ?? 0;
    for (let round = 0; !stopping.signal.aborted; round++) {
      const user = at(round * 7);
      if (round % 10 < 4) await pay(user, at(round * 7 + 1 + (round % (users.length - 1))));
      else if (round % 10 < 9) await readBalance(user);
      else await call('ListTransactions', { page_size: 10 }, user);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = Array.from({ length: callers }, (_, index) => run(index));
  const stop = async () => {
    stopping.abort();
    await Promise.all(running);
  };
  return {
    record,
    stop,
    abandon: () => {
      isAbandoned = true;
      return stop();
    },
  };
}

function reasonOf(answer: Answer | Error): string {
  if (answer instanceof Error) return answer.message;
  return answer.reason || (status[answer.status] ?? '');
}
