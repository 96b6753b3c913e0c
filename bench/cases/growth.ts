// Growth: the same calls with a thousand, a million and ten million wallets, and deep pages of a history.
import { connect } from '../../clients/typescript/src/connection.ts';
import { seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import { Histogram } from '../generator/histogram.ts';
import { grpcCall, overGrpc, owner, pickRandom, shuffled, transferBetween } from './calls.ts';
import { type Bench, type Case, type Result, requireKey } from './case.ts';
import { latenciesIn, measure } from './measure.ts';

const CREATE = 'wallet.v2.TransferService/CreateTransfer';
const BALANCE = 'wallet.v2.WalletService/GetBalance';
const LIST = 'wallet.v2.WalletService/ListTransactions';
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
const FIRST_USER = 10_000_000;
/** Different calls, spread over all wallets, so that caches of pages do not help. */
const CALLS = 50_000;

/** Wallets created so far, besides the thousand of every run. */
let made = 0;

export const AMONG_THOUSAND = among('1 thousand', 0);
export const AMONG_MILLION = among('1 million', 1_000_000);
export const AMONG_TEN_MILLION = among('10 million', 10_000_000);

/** Transfers, balances and histories of random wallets, each with one deposit. */
function among(size: string, wallets: number): Case {
  const name = `Growth to ${size}`;
  return {
    name,
    isLong: true,
    run: async (bench) => {
      await growTo(bench, wallets);
      const all = wallets === 0 ? bench.wallets : await sample(bench, wallets);
      const transfers = Array.from({ length: CALLS }, () => {
        const from = pickRandom(all);
        return grpcCall(CREATE, transferBetween(from, pickRandom(all, from)), owner(from));
      });
      const balances = shuffled(all).map((wallet) =>
        grpcCall(BALANCE, { wallet_id: wallet.id }, owner(wallet)),
      );
      const histories = shuffled(all).map((wallet) =>
        grpcCall(LIST, { wallet_id: wallet.id, page_size: 20 }, owner(wallet)),
      );
      const run = (what: string, calls: typeof transfers, movesMoney: boolean): Promise<Result> =>
        measure(bench, {
          name: `${name}: ${what}`,
          target: overGrpc(bench, calls, movesMoney),
          programs: PROGRAMS,
          ...(movesMoney && { transfersPerCall: 1 }),
        });
      return [
        await run('CreateTransfer', transfers, true),
        await run('GetBalance', balances, false),
        await run('ListTransactions', histories, false),
      ];
    },
  };
}

async function growTo({ stack: { database }, log }: Bench, wallets: number): Promise<void> {
  if (wallets <= made) return;
  log(`making ${(wallets - made).toLocaleString('en')} wallets, each with a deposit`);
  await seedWallets(database, { firstUser: FIRST_USER + made, wallets: wallets - made, deposits: 1 });
  made = wallets;
  await vacuumAnalyze(database);
}

/** Random wallets among those of the growth. */
async function sample({ stack: { database } }: Bench, wallets: number): Promise<Wallet[]> {
  const rows = await database.rows<{ id: string; user: string }>(
    `SELECT id, owner_user_id AS user FROM accounts WHERE kind = 'wallet' AND owner_user_id IN (
       SELECT $1 + floor(random() * $2)::bigint FROM generate_series(1, $3))`,
    [FIRST_USER, wallets, CALLS],
  );
  return rows.map(({ id, user }) => ({ id, userId: Number(user) }));
}

const DEEP_USER = 9_000_000;
const DEEP_ROWS = 1_000_000;
const PAGE_SIZE = 100;
/** Pages at each end of the history that are reported. */
const PAGES = 200;

/** Reads a history of a million entries page by page to its end. */
export const DEEP_PAGES: Case = {
  name: 'Deep pages of a history of 1 million',
  isLong: true,
  run: async (bench) => {
    const { database, grpcAddress } = bench.stack;
    bench.log('making a history of a million entries');
    await seedWallets(database, { firstUser: DEEP_USER, wallets: 1, deposits: DEEP_ROWS });
    await vacuumAnalyze(database);
    const [wallet] = await walletsOf(database, DEEP_USER, 1);
    if (!wallet) throw new Error('the wallet of the history is missing');
    const connection = connect(grpcAddress, requireKey(bench));
    const times: number[] = [];
    let entries = 0;
    let token = '';
    do {
      const begin = performance.now();
      const request = { wallet_id: wallet.id, page_size: PAGE_SIZE, page_token: token };
      const page = await connection.call(LIST, request, owner(wallet));
      times.push(performance.now() - begin);
      entries += (page.transactions as readonly unknown[]).length;
      token = String(page.next_page_token);
    } while (token !== '');
    connection.close();
    // The first pages include opening the connection and compiling.
    const early = histogramOf(times.slice(PAGES, 2 * PAGES));
    const late = histogramOf(times.slice(-PAGES));
    const missing = DEEP_ROWS - entries;
    return [
      {
        name: DEEP_PAGES.name,
        callsPerSecond: (times.length * 1000) / times.reduce((sum, time) => sum + time, 0),
        ...latenciesIn(histogramOf(times)),
        cpuSecondsPer1000Calls: {},
        errors: Math.abs(missing),
        problems: missing === 0 ? [] : [`${entries} entries were listed of ${DEEP_ROWS}`],
        figures: {
          'p50 of early pages, ms': early.at(0.5),
          'p50 of the last pages, ms': late.at(0.5),
        },
      },
    ];
  },
};

function histogramOf(times: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const time of times) histogram.add(time);
  return histogram;
}
