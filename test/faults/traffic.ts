// Constant mixed traffic against real server processes, which writes down what every caller was told and when.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../api-client.ts';

/** A balance that somebody was shown. */
export interface SeenBalance {
  readonly user: number;
  readonly balance: bigint;
  /** When it was asked for and answered, in milliseconds since 1970. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** The transfers of that user that had been answered to somebody before it was asked for. */
  readonly known: readonly string[];
}

/** One answer to one attempt. */
export interface Answered {
  readonly at: number;
  readonly tookMs: number;
  readonly isAccepted: boolean;
  readonly movesMoney: boolean;
}

/** What was seen. */
export interface Record {
  readonly balances: SeenBalance[];
  readonly answers: Answered[];
  /** The transfer of each payment that was answered, by its idempotency key. */
  readonly paid: Map<string, string>;
  /** Refusals that no fault of a part explains. */
  readonly surprises: string[];
}

/** Traffic under way. */
export interface Traffic {
  readonly record: Record;
  /** Lets every payment come to its end, retrying, and stops. */
  stop(): Promise<void>;
  /** Stops without a care for payments that have not come to their end. */
  abandon(): Promise<void>;
}

const CALLERS = 12;
const PAUSE_MS = 20;
const RETRY_AFTER_MS = 50;
/** UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED: the caller tries again under the same key. */
const TRY_AGAIN = new Set([14, 4, 10]);

/** Starts callers who pay each other, look at their balances and at their histories, each through any of the clients. */
export function startTraffic(clients: readonly ApiClient[], users: readonly number[]): Traffic {
  const record: Record = { balances: [], answers: [], paid: new Map(), surprises: [] };
  const known = new Map<number, string[]>(users.map((user) => [user, []]));
  let isStopping = false;
  let isAbandoned = false;
  let calls = 0;

  const call = async (
    rpc: string,
    request: { [name: string]: string | number },
    user: number,
    key?: string,
  ) => {
    const client = clients[calls++ % clients.length] as ApiClient;
    const askedAt = Date.now();
    const startedAt = performance.now();
    const answer = await client.call(`wallet.v1.WalletService/${rpc}`, request, {
      userId: String(user),
      ...(key && { idempotencyKey: key }),
    });
    const tookMs = performance.now() - startedAt;
    record.answers.push({
      at: askedAt,
      tookMs,
      isAccepted: answer.status === 0,
      movesMoney: key !== undefined,
    });
    if (answer.status !== 0 && !TRY_AGAIN.has(answer.status))
      record.surprises.push(`${rpc}: ${answer.reason}`);
    return { answer, askedAt, answeredAt: Date.now() };
  };

  const pay = async (from: number, to: number) => {
    const key = crypto.randomUUID();
    for (;;) {
      const { answer } = await call('Transfer', { to_user_id: to, amount: 1 }, from, key);
      if (answer.status === 0) {
        const id = String(answer.body.transaction_id);
        record.paid.set(key, id);
        for (const user of [from, to]) known.get(user)?.push(id);
        return;
      }
      if (isAbandoned) return;
      await sleep(RETRY_AFTER_MS);
    }
  };

  const readBalance = async (user: number) => {
    const before = [...(known.get(user) ?? [])].slice(-20);
    const { answer, askedAt, answeredAt } = await call('GetBalance', {}, user);
    if (answer.status !== 0) return;
    const balance = BigInt(String(answer.body.balance));
    record.balances.push({ user, balance, askedAt, answeredAt, known: before });
  };

  const caller = async (index: number) => {
    const at = (offset: number) => users[(index + offset) % users.length] ?? 0;
    for (let round = 0; !isStopping; round++) {
      const user = at(round * 7);
      if (round % 10 < 4) await pay(user, at(round * 7 + 1 + (round % (users.length - 1))));
      else if (round % 10 < 9) await readBalance(user);
      else await call('ListTransactions', { page_size: 10 }, user);
      await sleep(PAUSE_MS);
    }
  };
  const callers = Array.from({ length: CALLERS }, (_, index) => caller(index));
  const stop = async () => {
    isStopping = true;
    await Promise.all(callers);
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
