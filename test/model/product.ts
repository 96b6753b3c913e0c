// The product that the model is held against, and the people of one run of the model.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type pg from 'pg';
import { sqlState } from '../../src/db/pool.ts';
import { actingAs, won } from '../api.ts';
import type { Answer, Identity, Json } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { workerEnv } from '../processes.ts';
import { startOwnRedis } from '../redis/own-redis.ts';
import { assertBooksBalance, makeDatabase, ownerPool, serverEnv } from '../stack.ts';
import { until } from '../until.ts';
import { startKilledProcesses } from './killed-processes.ts';

/** More than anybody holds, in won. */
export const MOST_HELD = 1_000_000_000;
/** A busy machine takes this long to do a job at most. */
const JOB_WITHIN_MS = 60_000;

const [MOST_TRIES, RETRY_MS] = [100, 100];

const END_SESSIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND usename IN ('ppuri_app', 'ppuri_worker', 'ppuri_admin')`;

/** Asks the database, and once more where the session has ended: a run of hours may see Postgres start again. */
async function ask<Row extends pg.QueryResultRow>(db: pg.Pool, text: string, values: unknown[] = []) {
  for (let tries = 1; ; tries++) {
    try {
      return await db.query<Row>(text, values);
    } catch (error) {
      if (tries === MOST_TRIES || !(sqlState(error) ?? '57P').startsWith('57P')) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** A time zone in which it is about two in the morning, so that what is counted for a day is counted for the whole run. */
function zoneWithALongDay(): string {
  const ahead = 2 - new Date().getUTCHours();
  const hours = ahead < -12 ? ahead + 24 : ahead;
  // These names have the sign the other way round.
  return `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}

/** A running product. */
export type Product = Awaited<ReturnType<typeof startProduct>>;

/** Starts it. */
export async function startProduct() {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-model-'));
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const connection = new Redis(redis.url);
  const env = {
    ...serverEnv(database, folder),
    REDIS_URL: redis.url,
    LIMITS_TIME_ZONE: zoneWithALongDay(),
  };
  const db = ownerPool(database);
  const processes = await startKilledProcesses(
    [env, workerEnv(database, redis.url)],
    await makeKey(database),
    { endSessions: () => ask(db, END_SESSIONS), emptyRedis: () => connection.flushall() },
  );
  const { call, counts, killSoon } = processes;

  // Users' own limits hold while a policy is in force; this one limits nobody.
  const policy = { tier: 'unverified', currency_code: 'KRW', held: MOST_HELD };
  const put = await call('admin.v1.LimitService/PutPolicy', { policy }, {});
  assert.equal(put.status, 0, put.reason);

  return {
    ...{ call, counts, killSoon, db },
    /** Lets the time of a row be over, and waits until a worker has given back what was left. */
    async expire(table: 'holds' | 'sprinkles', id: string): Promise<void> {
      await ask(db, `UPDATE ${table} SET expires_at = created_at WHERE id = $1 AND closed_at IS NULL`, [id]);
      await until(
        'the worker gave it back',
        async () => {
          const text = `SELECT FROM ${table} WHERE id = $1 AND closed_at IS NOT NULL`;
          return (await ask(db, text, [id])).rowCount === 1;
        },
        JOB_WITHIN_MS,
      );
    },
    async stop(): Promise<void> {
      await processes.stop();
      await assertRight(db).finally(() => db.end());
      connection.disconnect();
      await redis.stop();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The books balance, and what was counted for limits is what the transfers say. */
async function assertRight(db: pg.Pool): Promise<void> {
  await assertBooksBalance(db);
  const { rows } = await db.query('SELECT faults FROM reconcile_limits()');
  assert.deepEqual(rows[0].faults, []);
}

const WRITTEN = `SELECT a.balance, a.held_amount AS held
  FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, place) JOIN accounts a USING (id) ORDER BY w.place`;

let lastUser = 100_000;

/** People who know nobody else: one run of the model. */
export class World {
  readonly product: Product;
  readonly users: readonly number[];
  readonly room: string;
  readonly #wallets: string[] = [];
  /** Whose wallet the product was asked for last. */
  #turn = 0;
  /** The last call that moved money, as it was made and answered. */
  #last: { rpc: string; request: Json; identity: Identity; body: Json } | undefined;

  constructor(product: Product, users: number) {
    this.product = product;
    this.users = Array.from({ length: users }, () => ++lastUser);
    this.room = `model-${this.users[0]}`;
  }

  /** Makes the people, with so many won each, and a room with all of them. */
  async begin(start: number): Promise<void> {
    await Promise.all(
      this.users.map(async (user, index) => {
        await this.#done('wallet.v2.UserService/CreateUser', { user_id: user, display_name: 'Model' }, {});
        const wallets = await this.read(index, 'wallet.v2.WalletService/ListWallets', {});
        this.#wallets[index] = String((wallets.list('wallets')[0] as Json).wallet_id);
        if (start > 0) await this.call(index, 'wallet.v1.WalletService/Charge', { amount: start });
      }),
    );
    const owner = actingAs(this.users[0] ?? 0);
    await this.#done(
      'wallet.v2.RoomService/CreateRoom',
      { room_id: this.room, display_name: 'Model' },
      owner,
    );
    for (const user_id of this.users.slice(1))
      await this.#done('wallet.v2.RoomService/AddMember', { room_id: this.room, user_id }, owner);
  }

  walletOf(user: number): string {
    return this.#wallets[user] ?? '';
  }

  idOf(user: number): string {
    return String(this.users[user]);
  }

  /** Makes a call that takes an idempotency key, in the name of a user. */
  async call(user: number, rpc: string, request: Json): Promise<Answer> {
    const identity = { ...actingAs(this.users[user] ?? 0), idempotencyKey: crypto.randomUUID() };
    const answer = await this.product.call(rpc, request, identity);
    this.#last = answer.status === 0 ? { rpc, request, identity, body: answer.body } : undefined;
    return answer;
  }

  read(user: number, rpc: string, request: Json): Promise<Answer> {
    return this.product.call(rpc, request, actingAs(this.users[user] ?? 0));
  }

  /** Makes the last call once more, under its key: it has the same answer. */
  async repeat(): Promise<void> {
    if (!this.#last) return;
    const { rpc, request, identity, body } = this.#last;
    assert.deepEqual((await this.product.call(rpc, request, identity)).body, body);
  }

  /** What each user has and holds: of one after the other as the product shows it, of the others as it is written. */
  async shown(): Promise<Json[]> {
    this.#turn = (this.#turn + 1) % this.users.length;
    const wallet_id = this.walletOf(this.#turn);
    const [written, asked] = await Promise.all([
      ask<{ balance: string; held: string }>(this.product.db, WRITTEN, [this.#wallets]),
      this.read(this.#turn, 'wallet.v2.WalletService/GetWallet', { wallet_id }),
    ]);
    const { balance, held_amount } = asked.body.wallet as Json;
    return written.rows
      .map(({ balance: left, held }) => shownWallet(Number(left), Number(held)))
      .with(this.#turn, { balance, held_amount } as Json);
  }

  async #done(rpc: string, request: Json, identity: Identity): Promise<void> {
    const answer = await this.product.call(rpc, request, identity);
    // Made before the server was killed, and made again.
    if (answer.reason !== 'USER_EXISTS' && answer.reason !== 'ROOM_EXISTS')
      assert.equal(answer.status, 0, answer.reason);
  }
}

/** What a wallet with so much shows. */
export const shownWallet = (balance: number, held: number): Json => ({
  balance: won(balance),
  held_amount: won(held),
});
