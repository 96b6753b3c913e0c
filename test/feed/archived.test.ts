// The feed over months that went to the archive: what was sealed is told, sent and logged as before, and what is in neither place is
// told as missing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { readEvidence, readLog } from '../../scripts/verify/ledger-log.ts';
import { verifyLog } from '../../scripts/verify/log.ts';
import { readEvents, readSealedTransfers } from '../../src/db/feed/index.ts';
import { reconcile } from '../../src/db/jobs/reconciliation.ts';
import type { Pool } from '../../src/db/pool.ts';
import { listVerifiers } from '../../src/db/transparency/index.ts';
import { parseVerifier } from '../../src/transparency/index.ts';
import { archiveTransfers } from '../../src/worker/jobs/archive-transfers.ts';
import type { Json } from '../api-client.ts';
import { makeDatabase, type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { type KeptLog, keepLog } from '../transparency/kept-log.ts';
import { until } from '../until.ts';
import { startDeliveries, startReceiver } from '../webhooks/deliveries.ts';
import {
  type ArchiveDatabase,
  makeArchive,
  restoreArchived,
  writeHistory,
} from '../worker/archive-database.ts';

const ANNA = 7451;
const A_MONTH = 20;

let stack: Stack;
let archive: ArchiveDatabase;
let live: Pool;
let archived: Pool;
let archiveOwner: pg.Pool;
let log: KeptLog;
/** All events, as they were told before their months went. */
let told: Json[];

before(async () => {
  const database = await makeDatabase();
  archive = await makeArchive(database);
  const env = { ARCHIVE_DATABASE_URL: archive.appUrl, WEBHOOKS_TO_LOOPBACK: 'true' };
  stack = await startStack({ database, env });
  [live, archived] = [database.workerUrl, archive.workerUrl].map((url) => createTestPool(url)) as [
    Pool,
    Pool,
  ];
  archiveOwner = new pg.Pool({ connectionString: archive.ownerUrl, max: 1 });
  archiveOwner.on('error', () => {});
  log = keepLog(database, archived);
  await stack.addUsers([ANNA]);
  await writeHistory(stack.db, ANNA, [3], A_MONTH);
  // Leaves of the first month are made of what the ledger has, those of the second of what the archive has.
  await log.keep();
  await writeHistory(stack.db, ANNA, [2], A_MONTH);
  await stack.fund([ANNA], 1_000);
  await log.seal();
  told = await listAll({});
  assert.deepEqual((await reconcile(live)).faults, []);
  const archiving = archiveTransfers({ live, archive: archived, afterMonths: 1 });
  assert.deepEqual(await archiving.run({}, new AbortController().signal), {
    months: 2,
    transfers: 2 * A_MONTH,
  });
});
after(async () => {
  await Promise.all([log.stop(), live.end(), archived.end(), archiveOwner.end()]);
  await restoreArchived(stack.db, archive);
  await stack.stop();
  await archive.drop();
});

async function listAll(request: Json, after_cursor = ''): Promise<Json[]> {
  const page = await stack.grpc.call('wallet.v2.EventService/ListEvents', {
    ...{ page_size: 7, after_cursor },
    ...request,
  });
  assert.equal(page.status, 0, page.reason);
  const next = String(page.body.next_cursor);
  return next === after_cursor
    ? page.list('events')
    : [...page.list('events'), ...(await listAll(request, next))];
}

async function verified(places = { reads: stack.db, archive: archived as Pool | undefined }) {
  const keys = (await listVerifiers(stack.db)).flatMap((text) => parseVerifier(text) ?? []);
  return verifyLog(readLog(places), await readEvidence(stack.db, undefined, keys));
}

/** Sends everything once more to a webhook of its own; returns what arrived, each once, in the order in which it came first. */
async function sentAgain(): Promise<string[]> {
  using receiver = await startReceiver();
  const call = async (rpc: string, request: Json) => {
    const answer = await stack.grpc.call(`wallet.v2.WebhookService/${rpc}`, request);
    assert.equal(answer.status, 0, answer.reason);
    return String(answer.at('webhook', 'webhook_id'));
  };
  const webhook_id = await call('CreateWebhook', { url: receiver.url, types: ['transfer.posted'] });
  await call('RedeliverEvents', { webhook_id, range: { first: '1', last: String(told.length) } });
  await using _deliveries = startDeliveries(stack.database, { archive: archived });
  // On a slow machine the lease ends meanwhile, and some are sent twice.
  const arrived = () => new Set(receiver.received.map(({ event }) => event.id));
  await until('all of them arrive', () => arrived().size >= told.length);
  await stack.grpc.call('wallet.v2.WebhookService/DeleteWebhook', { webhook_id });
  return [...arrived()];
}

test('events of archived months are listed and sent to webhooks as before', async () => {
  assert.equal(told.length, 2 * A_MONTH + 1);
  assert.deepEqual(await listAll({}), told);
  assert.deepEqual(
    (await sentAgain()).sort(),
    told.map(({ event_id }) => String(event_id)),
  );
});

test('the log goes on over archived months, and is verified against them', async () => {
  await log.keep();
  assert.deepEqual(await verified(), { leaves: told.length, checkpoints: 2, fault: undefined });
});

test('without its archive a process tells of nothing missing, and says what it lacks', async () => {
  const places = { reads: stack.db, archive: undefined };
  const onMissingTransfers = () => assert.fail('they are not missing');
  const lacksArchive = /months were archived, and this process has no archive/;
  await assert.rejects(readEvents({ ...places, onMissingTransfers }, '0'.repeat(16), 0n, 10), lacksArchive);
  await assert.rejects(readSealedTransfers(places, 0n, 10), lacksArchive);
});

test('a transfer that neither has is told as missing to who reads transfers, and stops nobody', async () => {
  await log.keep();
  const lost = [told[3], told.at(-1)].map((event) => String(event?.event_id));
  const places = [archiveOwner, stack.db];
  const rows = await Promise.all(places.map((db, index) => withoutTriggers(db, DELETE, [lost[index]])));
  try {
    const wanted = told.map((event) => {
      const { event_id, data: _data, ...place } = event;
      if (!lost.includes(String(event_id))) return event;
      return { ...place, event_id: `${String(event_id).slice(0, 14)}8${String(event_id).slice(15)}` };
    });
    for (const types of [[], ['transfer.posted'], ['transfer.missing', 'transfer.posted']]) {
      const events = await listAll({ types });
      assert.deepEqual(
        events.map(({ event_id, sequence, cursor, subject }) => ({ event_id, sequence, cursor, subject })),
        wanted.map(({ event_id, sequence, cursor, subject }) => ({ event_id, sequence, cursor, subject })),
      );
    }
    const missing = await listAll({ types: ['transfer.missing'] });
    assert.deepEqual(
      missing.map(({ type, transfer, subject }) => {
        const { transfer_id, amount } = (transfer as Json).transfer as Json;
        return [type, transfer_id, amount ?? null, subject];
      }),
      lost.map((id) => ['transfer.missing', id, null, `transfers/${id}`]),
    );
    assert.deepEqual(await listAll({ types: ['wallet.closed'] }), []);
    assert.deepEqual((await sentAgain()).sort(), wanted.map(({ event_id }) => String(event_id)).sort());
    assert.equal((await verified()).fault?.leaf, 3);
    const page = await (await fetch(`http://127.0.0.1:${stack.app.opsPort}/metrics`)).text();
    assert.match(page, /^ppuri_missing_transfers_total [1-9]/m);
    await until('the log names them', () => {
      const lines = readFileSync(join(stack.logDir, 'app.log'), 'utf8');
      return lost.every((id) => lines.includes(id));
    });
  } finally {
    await Promise.all(places.map((db, index) => withoutTriggers(db, INSERT, [rows[index]])));
  }
  // Once its row is back it is told as it was.
  assert.deepEqual(await listAll({}), told);
});

const DELETE = 'DELETE FROM transfers t WHERE id = $1 RETURNING json_build_array(t)::text AS rows';
const INSERT =
  'INSERT INTO transfers SELECT * FROM json_populate_recordset(NULL::transfers, $1) RETURNING NULL AS rows';

/** Runs a statement as a superuser, with all triggers off. */
async function withoutTriggers(db: pg.Pool, statement: string, values: unknown[]): Promise<string> {
  const client = await db.connect();
  await client.query('SET session_replication_role = replica');
  const { rows } = await client.query(statement, values);
  await client.query('RESET session_replication_role');
  client.release();
  assert.equal(rows.length, 1);
  return rows[0].rows;
}
