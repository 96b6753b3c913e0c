// Readers of the feed while everything goes wrong: slow transactions from many connections, some rolled back, one that hangs, one that
// is prepared, workers and Postgres killed. FEED_TRANSFERS=1000000 makes as many.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readEntries } from '../../src/db/feed/entries.ts';
import type { Pool } from '../../src/db/pool.ts';
import type { Transfer } from '../../src/domain/transfer.ts';
import { type OwnPostgres, startOwnPostgres } from '../db/own-postgres.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { type Writing, writeOnce } from './writers.ts';

const WANTED = Number(process.env.FEED_TRANSFERS ?? 2_000);
const SEED = Number(process.env.FEED_SEED ?? 7);
const BATCH = WANTED > 100_000 ? 200 : 10;
const CONNECTIONS = 16;
const SEALERS = 2;
/** Kills of workers, spread over the run; each fifth one is of Postgres. */
const KILLS = WANTED > 100_000 ? 60 : 5;
const ACCOUNTS = 48;
const PAGE = 500;

let postgres: OwnPostgres;
let owner: pg.Pool;
let app: Pool;
let accounts: string[];
const sealers: ChildProcess[] = [];

before(async () => {
  postgres = await startOwnPostgres({ max_prepared_transactions: '4' });
  owner = new pg.Pool({ connectionString: postgres.ownerUrl, max: 4 });
  owner.on('error', () => {});
  app = createTestPool(postgres.appUrl, { maxConnections: CONNECTIONS + 6 });
  await owner.query(
    `INSERT INTO accounts (id, kind, currency, stripe, created_at, updated_at)
     SELECT gen_random_uuid(), 'external', 'KRW', stripe, now(), now() FROM generate_series(100, $1) AS stripe`,
    [100 + ACCOUNTS],
  );
  await owner.query('SELECT open_transfer_months(1)');
  const { rows } = await owner.query<{ id: string }>(
    'SELECT id FROM accounts WHERE stripe >= 100 ORDER BY id',
  );
  accounts = rows.map(({ id }) => id);
});
after(async () => {
  for (const sealer of sealers) sealer.kill('SIGKILL');
  await app.end();
  await owner.end();
  await postgres.stop();
});

/** A generator of numbers from 0 to 1 (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function startSealer(place: number): Promise<void> {
  const env = { ...process.env, DATABASE_URL: postgres.workerUrl };
  const sealer = spawn(process.execPath, [new URL('./sealing-process.ts', import.meta.url).pathname], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  sealers[place] = sealer;
  await once(sealer.stdout as NodeJS.ReadableStream, 'data');
}

/** A reader of the feed that never rereads: what it was told, in that order. */
class FeedReader {
  readonly told: Transfer[] = [];
  #sequence = 0n;

  async readOn(): Promise<void> {
    for (const { sequence, transfer } of await readEntries(
      { reads: app, archive: undefined },
      this.#sequence,
      PAGE,
    )) {
      assert.equal(sequence, this.#sequence + 1n, 'numbers have no gaps');
      this.#sequence = sequence;
      if (transfer) this.told.push(transfer.transfer);
    }
  }
}

/** The negative control: by id, and only what is a second old. */
class IdReader {
  last = '00000000-0000-0000-0000-000000000000';
  readonly told = new Set<string>();

  async readOn(): Promise<void> {
    const { rows } = await owner.query<{ id: string }>(
      `SELECT id FROM transfers WHERE id > $1 AND created_at < clock_timestamp() - interval '1 second' ORDER BY id LIMIT 5000`,
      [this.last],
    );
    for (const { id } of rows) this.told.add(id);
    this.last = rows.at(-1)?.id ?? this.last;
  }
}

/** Ignores that Postgres is away for a moment. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    await sleep(50);
  }
}

async function killAtRandom(random: () => number, written: () => number): Promise<void> {
  for (let kill = 1; kill <= KILLS; kill++) {
    await until(
      'so many transfers are written',
      () => written() > (WANTED * kill) / (KILLS + 1),
      30 * 60_000,
    );
    if (kill % 5 === 0) {
      await postgres.kill();
      await postgres.restart();
    } else {
      const place = Math.floor(random() * SEALERS);
      sealers[place]?.kill('SIGKILL');
      await startSealer(place);
    }
  }
}

test('a reader that never rereads sees exactly the table, in an order that respects every account', {
  timeout: 40 * 60_000,
}, async (context) => {
  const random = seeded(SEED);
  // The last three accounts are those of the transactions that end late, so nobody waits for them.
  const writing: Writing = {
    pool: app,
    accounts: accounts.slice(0, -6),
    batch: BATCH,
    longestMs: 300,
    random,
  };
  const [byFeed, byId] = [new FeedReader(), new IdReader()];
  let written = 0;
  let isOver = false;
  await Promise.all(Array.from({ length: SEALERS }, (_, place) => startSealer(place)));
  const reading = [byFeed, byId].map(async (reader) => {
    while (!isOver) {
      await attempt(() => reader.readOn());
      await sleep(20);
    }
  });
  // One is prepared, and outlives every kill of Postgres; one hangs, with ids that the control has passed when it commits.
  const prepared = { ...writing, pool: owner, accounts: accounts.slice(-6, -3) };
  await assert.rejects(
    writeOnce(prepared, async () => {
      throw new Error('its session ends');
    }),
  );
  await prepare(prepared);
  const write = async () => {
    while (written < WANTED) {
      await attempt(async () => {
        await writeOnce(writing);
        written += BATCH;
      });
    }
  };
  const startedAt = performance.now();
  await Promise.all([...Array.from({ length: CONNECTIONS }, write), killAtRandom(random, () => written)]);
  const hanging: Writing = { ...writing, pool: owner, accounts: accounts.slice(-3) };
  await writeOnce(hanging, async (ids) => {
    await writeOnce(writing, async () => {});
    const last = ids.at(-1) ?? '';
    await until('the control has passed what hangs', () => byId.last > last);
  });
  await owner.query(`COMMIT PREPARED 'outlives'`);
  const { rows } = await owner.query<{ id: string }>('SELECT id FROM transfers');
  await until('all of it is told', () => byFeed.told.length >= rows.length, 5 * 60_000);
  isOver = true;
  await Promise.all(reading);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  assert.deepEqual(new Set(byFeed.told.map(({ id }) => id)), new Set(rows.map(({ id }) => id)));
  assert.equal(byFeed.told.length, rows.length, 'nothing is told twice');
  respectsAccounts(byFeed.told);
  const lost = rows.filter(({ id }) => !byId.told.has(id) && id < byId.last).length;
  assert.ok(lost >= BATCH, 'the control loses what committed late');
  context.diagnostic(`${rows.length} transfers in ${seconds} s, ${KILLS} kills; by id ${lost} are lost`);
});

/** Leaves a transaction prepared. */
async function prepare({ pool, ...writing }: Writing): Promise<void> {
  const client = await pool.connect();
  const proxy = Object.assign(Object.create(client) as pg.PoolClient, {
    query: (text: string, values?: unknown[]) =>
      client.query(text === 'COMMIT' ? `PREPARE TRANSACTION 'outlives'` : text, values),
    release: () => {},
  });
  const itself = { connect: async () => proxy } as unknown as pg.Pool;
  await writeOnce({ ...writing, pool: itself }, async () => {}).finally(() => client.release());
}

/** Each transfer states the balances after it, and they follow from those that were told before. */
function respectsAccounts(told: readonly Transfer[]): void {
  const balances = new Map<string, bigint>();
  for (const { id, amount, debitAccountId, creditAccountId, debitBalanceAfter, creditBalanceAfter } of told) {
    assert.equal(debitBalanceAfter, (balances.get(debitAccountId) ?? 0n) - amount, id);
    assert.equal(creditBalanceAfter, (balances.get(creditAccountId) ?? 0n) + amount, id);
    balances.set(debitAccountId, debitBalanceAfter);
    balances.set(creditAccountId, creditBalanceAfter);
  }
}
