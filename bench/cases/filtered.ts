// Filtered pages of long histories among ten million transfers, one at a time.
import { randomUUID } from 'node:crypto';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import { seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import { Histogram } from '../generator/histogram.ts';
import { owner, pickRandom, transferBetween } from './calls.ts';
import { type Bench, type Case, requireKey } from './case.ts';
import { latenciesIn } from './measure.ts';
import { BATCH } from './transfers.ts';

const LIST = 'wallet.v2.WalletService/ListTransactions';
const FIRST_USER = 8_000_000;
const HISTORIES = 10;
const ROWS = 1_000_000;
/** Transfers of each wallet that have a reference and a label, and how many a call makes. */
const LABELED = 5000;
const ITEMS = 1000;
const LABEL = { key: 'shop', value: 'Seoul 1' };
const PAGE_SIZE = 100;
/** Pages of each wallet by each filter, besides the first one, which is not counted: code is compiled and plans are made by it. */
const PAGES = 20;

/** The filters, by how they are found: an index of their own, or by examining some of the history. */
const FILTERS: Readonly<Record<string, (wallet: Wallet, wallets: readonly Wallet[]) => Json>> = {
  reference: ({ userId }) => ({ reference: referenceOf(userId, Math.floor(Math.random() * LABELED)) }),
  label: () => ({ label_key: LABEL.key, label_value: LABEL.value }),
  'label and counterparty': (_, wallets) => ({
    ...{ label_key: LABEL.key, label_value: LABEL.value },
    counterparty_wallet_id: pickRandom(wallets).id,
  }),
  time: () => ({ created_before: new Date(Date.now() - 1000).toISOString() }),
  'a kind that there is': () => ({ kinds: ['TRANSFER_KIND_DEPOSIT'] }),
  'a kind that there is not': () => ({ kinds: ['TRANSFER_KIND_REFUND'] }),
  amount: () => ({ minor_units_from: '2', minor_units_to: '50' }),
  counterparty: (_, wallets) => ({ counterparty_wallet_id: pickRandom(wallets).id }),
};

export const FILTERED: Case = {
  name: 'Filtered pages at 10 million transfers',
  isLong: true,
  run: async (bench) => {
    const { database, grpcAddress } = bench.stack;
    bench.log('making ten histories of a million entries');
    // One after the other: each is one statement.
    for (let index = 0; index < HISTORIES; index++)
      await seedWallets(database, { firstUser: FIRST_USER + index, wallets: 1, deposits: ROWS });
    const wallets = await walletsOf(database, FIRST_USER, HISTORIES);
    const connection = connect(grpcAddress, requireKey(bench));
    for (const wallet of wallets) await addLabeled(bench, connection, wallet);
    await vacuumAnalyze(database);
    const all = new Histogram();
    const figures: Record<string, number> = {};
    let [longest, seconds] = [0, 0];
    for (const [name, filterOf] of Object.entries(FILTERS)) {
      const times = new Histogram();
      for (const wallet of wallets)
        for (const ms of await timesOf(connection, wallet, () => filterOf(wallet, bench.wallets))) {
          times.add(ms);
          longest = Math.max(longest, ms);
          seconds += ms / 1000;
        }
      all.merge(times);
      figures[`${name}, p50 ms`] = times.at(0.5);
      figures[`${name}, p99 ms`] = times.at(0.99);
    }
    connection.close();
    return [
      {
        name: FILTERED.name,
        callsPerSecond: all.total / seconds,
        ...latenciesIn(all),
        cpuSecondsPer1000Calls: {},
        errors: 0,
        problems: [],
        figures: { ...figures, 'longest, ms': longest },
      },
    ];
  },
};

async function addLabeled({ wallets }: Bench, connection: Connection, wallet: Wallet): Promise<void> {
  for (let first = 0; first < LABELED; first += ITEMS) {
    const items = Array.from({ length: ITEMS }, (_, index) => ({
      ...transferBetween(wallet, pickRandom(wallets)),
      reference: referenceOf(wallet.userId, first + index),
      labels: [LABEL],
    }));
    const identity = { ...owner(wallet), idempotencyKey: randomUUID() };
    await connection.call(BATCH, { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }, identity);
  }
}

const referenceOf = (userId: number, index: number) => `order-${userId}-${index}`;

/** How long pages took, in milliseconds: each goes on where the one before ended, and the last one is followed by the first. */
async function timesOf(connection: Connection, wallet: Wallet, filter: () => Json): Promise<number[]> {
  const times: number[] = [];
  let token = '';
  let request: Json = filter();
  for (let page = 0; page <= PAGES; page++) {
    const begin = performance.now();
    const asked = { wallet_id: wallet.id, page_size: PAGE_SIZE, page_token: token, ...request };
    const answer = await connection.call(LIST, asked, owner(wallet));
    if (page > 0) times.push(performance.now() - begin);
    token = String(answer.next_page_token);
    if (token === '') request = filter();
  }
  return times;
}
