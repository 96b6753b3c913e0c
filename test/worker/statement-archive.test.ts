// Statements while months move to the archive and transfers come in: no transfer is missing or doubled, and little memory is
// needed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from '../../clients/typescript/src/connection.ts';
import { type HistoryPlace, historyFrom, readHistory } from '../../src/db/archive/index.ts';
import { sealFeed } from '../../src/db/feed/index.ts';
import { reconcile } from '../../src/db/jobs/reconciliation.ts';
import type { Pool, Reader } from '../../src/db/pool.ts';
import { microsOf } from '../../src/db/sql.ts';
import { RunningTotals } from '../../src/domain/statement.ts';
import { encodeCursor } from '../../src/grpc/page-token.ts';
import { archiveTransfers } from '../../src/worker/jobs/archive-transfers.ts';
import { actingAs } from '../api.ts';
import { heldMemory } from '../held-memory.ts';
import { checkSums, exportOf, rowsOfCsv } from '../scenarios/statement-file.ts';
import { clientOf, watch } from '../scenarios/wallet-stream.ts';
import { makeDatabase, type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import {
  type ArchiveDatabase,
  makeArchive,
  monthsAgo,
  restoreArchived,
  writeHistory,
} from './archive-database.ts';

const [ANNA, BO, CHO] = [8151, 8152, 8153];
/** More than a page. */
const A_MONTH = 1_200;
const BIG_MONTH = 40_000;
/** Of all of the big month it would be twice as much. */
const MAX_BYTES = 20_000_000;
const running = new AbortController().signal;

let stack: Stack;
let archive: ArchiveDatabase;
let live: Pool;
let archived: Pool;
let wallet: string;
before(async () => {
  const database = await makeDatabase();
  archive = await makeArchive(database);
  stack = await startStack({ database, env: { ARCHIVE_DATABASE_URL: archive.appUrl } });
  await stack.addUsers([ANNA, BO, CHO]);
  await writeHistory(stack.db, ANNA, [6, 5, 4], A_MONTH);
  await writeHistory(stack.db, CHO, [2], BIG_MONTH);
  await stack.fund([BO], 1_000_000);
  wallet = await stack.as(ANNA).defaultWallet();
  [live, archived] = [stack.database.workerUrl, archive.workerUrl].map((url) =>
    createTestPool(url, { statementTimeoutMs: 60_000 }),
  ) as [Pool, Pool];
  assert.deepEqual((await reconcile(live)).faults, []);
  await sealFeed(live);
});
after(async () => {
  await Promise.all([live.end(), archived.end()]);
  await restoreArchived(stack.db, archive);
  await stack.stop();
  await archive.drop();
});

/** Moves Anna's months up to the one that began so many months ago. */
const moveMonth = (month: number) =>
  archiveTransfers({ live, archive: archived, afterMonths: month - 1 }).run({}, running);

/** Reads the history of months that are over; on the way, `reads` is what its reader sees. Throws where one is missing. */
async function readAll(reads: Reader): Promise<number> {
  const totals = new RunningTotals(0n);
  let place: HistoryPlace | undefined = historyFrom(0);
  while (place) {
    const page: Awaited<ReturnType<typeof readHistory>> = await readHistory(
      { reads, archive: archived },
      wallet,
      place,
      monthsAgo(2).getTime() * 1000,
      1000,
    );
    for (const { transfer } of page.items)
      totals.add(transfer.id, 'in', transfer.amount, transfer.creditBalanceAfter);
    place = page.next;
  }
  return totals.count;
}

test('a month that moves between two statements of one page is neither missing nor doubled', async () => {
  const whole = 3 * A_MONTH;
  assert.equal(await readAll(live), whole);
  /** A month is moved before the second page of the ledger is read. */
  const moving = async (month: number, isNaive: boolean): Promise<Reader> => {
    const known = await live.query(
      `SELECT ${microsOf(`max(month + interval '1 month') AT TIME ZONE 'UTC'`)} AS boundary FROM archived_months`,
    );
    let pages = 0;
    return {
      query: async (statement) => {
        if (statement.text.includes('ORDER BY created_at, id') && ++pages === 2) await moveMonth(month);
        return statement.name === 'archive-boundary' && isNaive ? (known as never) : live.query(statement);
      },
    };
  };
  assert.equal(await readAll(await moving(6, false)), whole);
  assert.equal(await readAll(live), whole, 'and the same behind');
  // With what was known of the archive before the page was read, the totals notice what is missing.
  await assert.rejects(readAll(await moving(5, true)), /is not the one that it had/);
  assert.equal(await readAll(live), whole);
});

test('statements under load are whole, and those of a period that was told never change', async () => {
  const whole = 3 * A_MONTH;
  const from = monthsAgo(7).toISOString();
  let isMoved = false;
  let paid = 0;
  const paying = (async () => {
    for (; !isMoved; paid++) assert.equal((await stack.as(BO).pay(ANNA, 1)).status, 0);
  })();
  const moving = moveMonth(4).finally(() => {
    isMoved = true;
  });
  const statement = (created_before?: string) =>
    exportOf(stack, ANNA, {
      wallet_id: wallet,
      created_from: from,
      ...(created_before && { created_before }),
    });
  const early = rowsOfCsv(await statement());
  await Promise.all([moving, paying]);
  const late = rowsOfCsv(await statement(early.at(-1)?.time));
  assert.ok(checkSums(early).length >= whole);
  assert.deepEqual(late, early);
  assert.equal(checkSums(rowsOfCsv(await statement())).length, whole + paid);
});

test('a stream of the wallet goes on behind a transfer that has moved to the archive since, and misses none', async () => {
  const text = `SELECT id, ${microsOf('created_at')} AS at FROM transfers WHERE $1 IN (debit_account_id, credit_account_id)
    ORDER BY created_at, id`;
  const all: { id: string; at: string }[] = [];
  for (const pool of [archived, live]) all.push(...(await pool.query(text, [wallet])).rows);
  const start = all[A_MONTH / 2];
  assert.ok(start && all.length >= 3 * A_MONTH);
  const cursor = encodeCursor(['v2.watch-wallet', BigInt(ANNA), wallet], {
    id: start.id,
    createdAt: Number(start.at),
  });
  const connection = clientOf(stack);
  const stream = watch(connection, ANNA, wallet, cursor);
  await until('it is up to date', () => stream.told.at(-1)?.kind === 'snapshot');
  stream.stop();
  connection.close();
  const told = stream.told
    .slice(0, -1)
    .map(({ body }) => (body.transfer as { transfer_id: string }).transfer_id);
  assert.deepEqual(
    told,
    all.slice(A_MONTH / 2 + 1).map(({ id }) => id),
  );
});

test('a statement needs little memory, however long it is', async (t) => {
  const wallet_id = await stack.as(CHO).defaultWallet();
  const connection = connect(stack.grpcAddress, stack.key, { retry: false });
  const before = heldMemory();
  let [most, pieces, bytes] = [0, 0, 0];
  for await (const piece of connection.statement({ wallet_id }, actingAs(CHO))) {
    bytes += piece.length;
    if (pieces++ % 10 === 0) most = Math.max(most, heldMemory() - before);
  }
  connection.close();
  t.diagnostic(`${Math.round(bytes / 1e6)} MB with ${Math.round(most / 1e6)} MB of memory`);
  assert.ok(bytes > 100 * BIG_MONTH);
  assert.ok(most < MAX_BYTES, `${most} bytes`);
});
