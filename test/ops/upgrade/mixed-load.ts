// Payments in wallet.v2, sprinkles with their claims, and payouts, one after the other, by callers who try again.
import { setTimeout as sleep } from 'node:timers/promises';
import { actingAs, withKey, won } from '../../api.ts';
import type { Answer, ApiClient, Json } from '../../api-client.ts';
import { type ApiVersion, v1, v2 } from '../../scenarios/api-versions.ts';

/** What the callers were answered. */
export interface MixedRecord {
  /** The transfer of each payment that was answered, by its idempotency key. */
  readonly paid: Map<string, string>;
  /** Sprinkles all of whose shares were claimed: what they were made with, and what was claimed. */
  readonly sprinkles: { readonly amount: number; readonly claimed: number }[];
  /** Payouts that ended: how many lines each had, and how many were paid. */
  readonly payouts: { readonly lines: number; readonly paid: number }[];
  /** Answers after which the call was made again, and calls that failed for good, each as `RPC over gRPC: REASON`. */
  readonly retried: string[];
  readonly failed: string[];
}

/** Load that goes on until it is stopped. */
export interface MixedLoad {
  readonly record: MixedRecord;
  /** Lets everything that was begun come to its end. */
  stop(): Promise<void>;
}

/** Who calls, through what. */
export interface MixedLoadOptions {
  readonly clients: readonly ApiClient[];
  /** At least five; the first one pays for sprinkles and payouts. */
  readonly users: readonly number[];
  /** Where all of them are. */
  readonly room: string;
  /** Whether a call is made again after this answer. One that got none is always made again. */
  isTransient(answer: Answer): boolean;
}

const RETRY_AFTER_MS = 50;
const PAUSE_MS = 100;
const SHARES = 3;
const SPRINKLED = 30;
const LINES = 60;

/** Starts three loops: of payments, sprinkles and payouts. */
export function startMixedLoad(options: MixedLoadOptions): MixedLoad {
  const record: MixedRecord = { paid: new Map(), sprinkles: [], payouts: [], retried: [], failed: [] };
  const client = recording(
    persistent(options, (what) => record.retried.push(what)),
    record,
  );
  const versions = [v1(client), v2(client)] as const;
  const stopping = new AbortController();
  const [rich = 0, ...others] = options.users;
  const loop = async (work: (round: number) => Promise<void>) => {
    for (let round = 0; !stopping.signal.aborted; round++) {
      // A call that failed for good is in the record.
      await work(round).catch((error: unknown) => {
        if (!(error instanceof GaveUp)) throw error;
      });
      await sleep(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = Promise.all([
    loop((round) => payOne(versions[1], record, [rich, ...others], round)),
    loop((round) => sprinkleOne(versions, record, options, round)),
    loop(() => payOut(client, record, rich, others)),
  ]);
  running.catch(() => {});
  return {
    record,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Thrown when a call failed for good. */
class GaveUp extends Error {}

/** A client whose calls are made again, under the same key, by each of the clients in turn, until an answer is not transient. */
export function persistent(
  { clients, isTransient }: Pick<MixedLoadOptions, 'clients' | 'isTransient'>,
  onRetry: (what: string) => void,
): ApiClient {
  let calls = 0;
  return {
    name: 'gRPC',
    close: () => {},
    call: async (rpc, request, identity) => {
      for (;;) {
        const client = clients[calls++ % clients.length] as ApiClient;
        const answer = await client.call(rpc, request, identity).catch((error: Error) => error);
        if (!(answer instanceof Error) && (answer.status === 0 || !isTransient(answer))) return answer;
        onRetry(
          `${rpc} over ${client.name}: ${answer instanceof Error ? answer.message : answer.reason || answer.status}`,
        );
        await sleep(RETRY_AFTER_MS);
      }
    },
  };
}

/** The same, where what is refused is in the record and ends the round. */
function recording(client: ApiClient, { failed }: MixedRecord): ApiClient {
  return {
    ...client,
    call: async (rpc, request, identity) => {
      const answer = await client.call(rpc, request, identity);
      if (answer.status === 0) return answer;
      failed.push(`${rpc}: ${answer.reason}`);
      throw new GaveUp(rpc);
    },
  };
}

async function payOne(version: ApiVersion, record: MixedRecord, users: readonly number[], round: number) {
  const [from = 0, to = 0] = [users[round % users.length], users[(round + 1) % users.length]];
  const key = crypto.randomUUID();
  const answer = await version.transfer(from, to, 1, key);
  record.paid.set(key, String(answer.at('transfer', 'transfer_id')));
}

/** The version that makes a sprinkle is the other one of that which claims it. */
async function sprinkleOne(
  versions: readonly [ApiVersion, ApiVersion],
  record: MixedRecord,
  { users, room }: MixedLoadOptions,
  round: number,
) {
  const [making, claiming] = round % 2 === 0 ? versions : versions.toReversed();
  const [rich = 0, ...claimers] = users;
  const made = await making?.sprinkle(rich, room, SPRINKLED, SHARES);
  const token = String(made?.body.token ?? made?.at('sprinkle', 'token'));
  let claimed = 0;
  for (const user of claimers.slice(0, SHARES)) {
    const claim = await claiming?.claim(user, room, token);
    claimed += Number(claim?.at('amount', 'minor_units') ?? claim?.body.amount);
  }
  record.sprinkles.push({ amount: SPRINKLED, claimed });
}

async function payOut(client: ApiClient, record: MixedRecord, rich: number, others: readonly number[]) {
  const call = async (name: string, request: Json, identity = actingAs(rich)) =>
    (await client.call(`wallet.v2.PayoutService/${name}`, request, identity)).body.payout as Json;
  const wallets = await client.call('wallet.v2.WalletService/ListWallets', {}, actingAs(rich));
  const wallet_id = wallets.list('wallets').find((wallet) => wallet.is_default)?.wallet_id ?? '';
  const { payout_id = '' } = await call(
    'CreatePayout',
    { wallet_id, mode: 'PAYOUT_MODE_EACH' },
    withKey(rich),
  );
  const lines = Array.from({ length: LINES }, (_, index) => ({
    ...{ user_id: String(others[index % others.length]), amount: won(1), key: String(index) },
  }));
  await call('AddPayoutLines', { payout_id, first_line: 1, lines });
  await call('StartPayout', { payout_id, line_count: LINES }, withKey(rich));
  for (;;) {
    const payout = await call('GetPayout', { payout_id });
    if (payout.ended_at) {
      record.payouts.push({ lines: LINES, paid: Number(payout.paid_count) });
      return;
    }
    await sleep(RETRY_AFTER_MS);
  }
}
