// A minute of life: what callers do to ppuri through the edge, over REST and gRPC, refusals included.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connect, type Json } from '../../../clients/typescript/src/connection.ts';
import { PpuriError } from '../../../clients/typescript/src/error.ts';
import type { Identity } from '../../../clients/typescript/src/headers.ts';
import { type RestAnswer, requestRest } from '../../../clients/typescript/src/rest.ts';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import { DEMO_ROOM, DEMO_USERS, type DevInfo, signingKeyIn } from '../../cli/dev-info.ts';
import { SetupError } from '../../cli/program.ts';

/** A transfer that can be asked for. */
export interface SeenTransfer {
  readonly requestId: string;
  readonly transferId: string;
}

/** What life has brought so far. */
export interface Seen {
  /** Calls that were answered as expected, refusals included. */
  calls: number;
  /** How often each reason was given. */
  readonly refusals: Map<string, number>;
  /** Answers that were not as expected, each once, in words. */
  readonly surprises: Set<string>;
  /** Transfers over REST, the latest last. */
  readonly transfers: SeenTransfer[];
}

interface Caller {
  readonly seen: Seen;
  /** Makes a call over gRPC; undefined when it was refused. `reason` is the refusal to expect. */
  grpc(rpc: string, request: Json, who: Identity, reason?: string): Promise<Json | undefined>;
  /** The same over REST. */
  rest(route: string, request: Json | undefined, who: Identity, reason?: string): Promise<RestAnswer>;
  /** A call over REST that nobody signed. */
  unsigned(route: string, who: Identity, reason: string): Promise<RestAnswer>;
  /** The default wallet of a user. */
  walletOf(user: bigint): Promise<string>;
}

const ROUND_MS = 1_000;
const [ANNA, BORA, CHAN, DANA, EUNJI] = DEMO_USERS;
/** Won; more than any demo user has. */
const UNAFFORDABLE = 9_000_000_000;
const NO_WALLET = '00000000-0000-4000-8000-000000000000';

/** Lives until `signal` aborts. Returns what it has seen, also while it lives. Throws a SetupError when there is no edge. */
export function live(
  info: DevInfo,
  signal: AbortSignal,
): { readonly seen: Seen; readonly ended: Promise<void> } {
  const seen: Seen = { calls: 0, refusals: new Map(), surprises: new Set(), transfers: [] };
  const { restUrl, grpcEdgeAddress } = info;
  if (restUrl === undefined || grpcEdgeAddress === undefined)
    throw new SetupError('there is no Envoy here, and so no edge to observe; npm start says why');
  const key = signingKeyIn(info.keys);
  const connection = connect(grpcEdgeAddress, key, { retry: false });
  const caller = callerOf(seen, restUrl, connection, key);
  const ended = rounds(caller, signal).finally(() => connection.close());
  return { seen, ended };
}

async function rounds(caller: Caller, signal: AbortSignal): Promise<void> {
  const note = (error: unknown) => caller.seen.surprises.add(String(error));
  for (let round = 0; !signal.aborted; round++) {
    const steps = [transfers, reads, sprinkle, refusals, ...(round === 0 ? [payout] : [])];
    await Promise.all(steps.map((step) => step(caller).catch(note)));
    await sleep(ROUND_MS, undefined, { signal }).catch(() => {});
  }
}

/** Money that goes round in a circle, so that it never runs out; some of it meets in one batch. */
async function transfers({ grpc, rest, walletOf, seen }: Caller): Promise<void> {
  const circle = DEMO_USERS.map(
    (from, index) => [from, DEMO_USERS[(index + 1) % DEMO_USERS.length]] as const,
  );
  await Promise.all(
    circle.map(([from, to]) =>
      grpc('wallet.v1.WalletService/Transfer', { to_user_id: String(to), amount: 5 }, once(from)),
    ),
  );
  const item = { debit_wallet_id: await walletOf(BORA), credit_user_id: String(ANNA), amount: won(1) };
  const { body, headers } = await rest('POST /api/v2/transfers', { ...item, memo: 'lunch' }, once(BORA));
  const transferId = (body as { transfer?: Json }).transfer?.transfer_id;
  const requestId = headers.get('x-request-id');
  if (requestId && typeof transferId === 'string') seen.transfers.push({ requestId, transferId });
  await rest(
    'POST /api/v2/transfers:batchCreate',
    { mode: 'BATCH_MODE_EACH', items: Array(10).fill(item) },
    once(BORA),
  );
  await rest('POST /api/v1/wallet/charge', { amount: 1_000 }, once(ANNA));
}

async function reads({ grpc, rest, walletOf }: Caller): Promise<void> {
  const wallet = await walletOf(CHAN);
  await Promise.all([
    ...DEMO_USERS.map((user) => rest('GET /api/v1/wallet/balance', undefined, as(user))),
    rest(`GET /api/v2/wallets/${wallet}/transactions`, undefined, as(CHAN)),
    grpc('wallet.v2.WalletService/GetBalance', { wallet_id: wallet }, as(CHAN)),
    grpc('wallet.v2.RoomService/ListMembers', { room_id: DEMO_ROOM }, as(CHAN)),
    grpc('wallet.v2.UserService/GetUser', { user_id: String(DANA) }, as(CHAN)),
  ]);
}

/** A sprinkle that is claimed to the last share, and then once more. */
async function sprinkle({ grpc, rest }: Caller): Promise<void> {
  const room = { roomId: DEMO_ROOM };
  const created = await rest(
    'POST /api/v1/sprinkles',
    { amount: 300, headcount: 2 },
    { ...once(ANNA), ...room },
  );
  const { token } = created.body as { token?: string };
  if (token === undefined) return;
  const claim = (user: bigint, reason?: string) =>
    grpc('wallet.v1.SprinkleService/ClaimSprinkle', { token }, { ...once(user), ...room }, reason);
  await claim(BORA);
  await claim(BORA, 'ALREADY_CLAIMED');
  await claim(ANNA, 'OWN_SPRINKLE');
  await claim(CHAN);
  await claim(DANA, 'SPRINKLE_EMPTY');
  await rest(`GET /api/v1/sprinkles/${token}`, undefined, { ...as(ANNA), ...room });
}

/** Calls that have to be refused, by the edge, by the server and by the ledger. */
async function refusals({ grpc, rest, unsigned, walletOf }: Caller): Promise<void> {
  const transfer = { debit_wallet_id: await walletOf(EUNJI), credit_user_id: String(ANNA), amount: won(1) };
  const send = (fields: Json, reason: string) =>
    grpc('wallet.v2.TransferService/CreateTransfer', { ...transfer, ...fields }, once(EUNJI), reason);
  await send({ amount: won(UNAFFORDABLE) }, 'BALANCE_TOO_LOW');
  await send({ amount: won(-1) }, 'INVALID_FIELD');
  await send({ debit_wallet_id: NO_WALLET }, 'WALLET_NOT_FOUND');
  await send({ credit_user_id: String(EUNJI) }, 'SELF_TRANSFER');
  await rest('POST /api/v2/transfers', transfer, as(EUNJI), 'IDEMPOTENCY_KEY_REQUIRED');
  await unsigned('GET /api/v1/wallet/balance', as(EUNJI), 'AUTHENTICATION_FAILED');
  await rest('GET /api/v9/nothing', undefined, as(EUNJI), 'ROUTE_NOT_FOUND');
}

/** A payout of ten lines, one of which cannot be paid. */
async function payout({ grpc, walletOf }: Caller): Promise<void> {
  const service = 'wallet.v2.PayoutService';
  const draft = { wallet_id: await walletOf(ANNA), mode: 'PAYOUT_MODE_EACH', memo: 'prizes' };
  const created = await grpc(`${service}/CreatePayout`, draft, once(ANNA));
  const id = (created?.payout as Json | undefined)?.payout_id;
  if (typeof id !== 'string') return;
  const users = [BORA, CHAN, DANA, EUNJI, 999_999_999n];
  const lines = users.flatMap((user, index) =>
    [0, 1].map((copy) => ({ user_id: String(user), amount: won(1), key: `line-${index}-${copy}` })),
  );
  await grpc(`${service}/AddPayoutLines`, { payout_id: id, first_line: 1, lines }, as(ANNA));
  await grpc(`${service}/StartPayout`, { payout_id: id, line_count: lines.length }, once(ANNA));
}

const won = (amount: number) => ({ currency_code: 'KRW', minor_units: String(amount) });
const as = (user: bigint): Identity => ({ userId: String(user) });
const once = (user: bigint): Identity => ({ ...as(user), idempotencyKey: crypto.randomUUID() });

function callerOf(seen: Seen, restUrl: string, connection: Connection, key: SigningKey | undefined): Caller {
  const note = (call: string, expected: string | undefined, reason: string | undefined) => {
    if (reason !== expected) seen.surprises.add(`${call}: ${reason ?? 'OK'} instead of ${expected ?? 'OK'}`);
    else seen.calls++;
    if (reason !== undefined) seen.refusals.set(reason, (seen.refusals.get(reason) ?? 0) + 1);
  };
  const send = async (
    route: string,
    request: Json | undefined,
    who: Identity,
    expected?: string,
    signingKey?: SigningKey,
  ) => {
    const [method = '', path = ''] = route.split(' ');
    const body = request && JSON.stringify(request);
    const answer = await requestRest(`${restUrl}${path}`, method, body, who, signingKey);
    note(route, expected, answer.status === 200 ? undefined : reasonIn(answer));
    return answer;
  };
  const wallets = new Map<bigint, Promise<string>>();
  const caller: Caller = {
    seen,
    grpc: async (rpc, request, who, expected) => {
      try {
        const answer = await connection.call(rpc, request, who);
        note(rpc, expected, undefined);
        return answer;
      } catch (error) {
        if (!(error instanceof PpuriError)) throw error;
        note(rpc, expected, error.reason || error.message);
        return undefined;
      }
    },
    rest: (route, request, who, expected) => send(route, request, who, expected, key),
    unsigned: (route, who, expected) => send(route, undefined, who, expected),
    walletOf: (user) => {
      const known = wallets.get(user) ?? findWallet(caller, user);
      wallets.set(user, known);
      return known;
    },
  };
  return caller;
}

async function findWallet({ grpc }: Caller, user: bigint): Promise<string> {
  const answer = await grpc('wallet.v2.WalletService/ListWallets', {}, as(user));
  const wallets = (answer?.wallets ?? []) as Json[];
  return String(wallets.find((wallet) => wallet.is_default)?.wallet_id);
}

/** The reason in an error over REST, or its HTTP status. */
function reasonIn({ status, body }: RestAnswer): string {
  const { details = [] } = body as { readonly details?: readonly { readonly reason?: string }[] };
  return details.find(({ reason }) => reason)?.reason ?? `HTTP ${status}`;
}
