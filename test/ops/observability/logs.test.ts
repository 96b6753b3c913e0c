// The way of log lines into a log store, with the real parts: each line is one document, once, whatever is away or killed.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Envoy } from '../../../scripts/dev/envoy.ts';
import { runCommand } from '../../../scripts/dev/processes.ts';
import { debianPackages } from '../../../scripts/ops/install.ts';
import { findAlertmanager } from '../../../scripts/ops/parts/alertmanager.ts';
import { findExporter, startNodeExporter } from '../../../scripts/ops/parts/exporters.ts';
import { startLogProbe } from '../../../scripts/ops/parts/log-probe.ts';
import { findOpenSearch, type OpenSearch, startOpenSearch } from '../../../scripts/ops/parts/opensearch.ts';
import { findPrometheus } from '../../../scripts/ops/parts/prometheus.ts';
import { findRsyslog, type Rsyslog, startRsyslog } from '../../../scripts/ops/parts/rsyslog.ts';
import { SAVED_SEARCHES } from '../../../scripts/ops/saved-searches.ts';
import { createLogs } from '../../../src/runtime/logs.ts';
import { withKey } from '../../api.ts';
import { restClient } from '../../api-client.ts';
import { startTestEdge } from '../../edge.ts';
import { someTransfer } from '../../runtime/transfers.ts';
import { orSkip, orSkipAll, withoutEdge } from '../../skip.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { type FastAlerts, startFastAlerts, targetAt } from './fast-alerts.ts';
import { INTERVAL_SECONDS } from './faster-rules.ts';
import { loadTemplates, search, searchTerm } from './log-store.ts';

const ANNA = 9901;
const BO = 9902;
const WITHIN_MS = 120_000;
const found = await findRsyslog().then((rsyslog) => ('reason' in rsyslog ? rsyslog : findOpenSearch()));
const tools = [
  orSkip(found, 'the log store with rsyslog'),
  orSkipAll(await findPrometheus(), 'Prometheus'),
  orSkipAll(await findAlertmanager(), 'Alertmanager'),
  orSkipAll(await findExporter('node'), 'the node exporter'),
];
const skip = withoutEdge || tools.find(({ skip }) => skip)?.skip || false;

const folder = mkdtempSync(join(tmpdir(), 'ppuri-log-store-'));
const logs = join(folder, 'log');
let store: OpenSearch;
let rsyslog: Rsyslog;
let stack: Stack;
let edge: Envoy;
let alerts: FastAlerts;
const watch = new AsyncDisposableStack();
const ship = () => startRsyslog({ folder, logs, store: store.url });
before(async () => {
  if (skip) return;
  [store, stack] = await Promise.all([
    startOpenSearch({ folder }),
    startStack({ env: { LOG_DIR: join(logs, 'server') } }),
  ]);
  await loadTemplates(store);
  rsyslog = await ship();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1_000_000);
  edge = await startTestEdge(folder, [stack.app.grpcPort]);
  watch.use(await startLogProbe({ folder, logs, store: store.url, everySeconds: INTERVAL_SECONDS }));
  const node = watch.use(await startNodeExporter({ folder }));
  alerts = await startFastAlerts(watch, folder, { node: [targetAt(node.url)] });
});
after(async () => {
  await watch.disposeAsync();
  await edge?.stop();
  await stack?.stop();
  await rsyslog?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends transfers of 1 won each, and returns their ids; each has to be answered OK. */
async function transfer(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let sent = 0; sent < count; sent += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        stack.grpc.call('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount: 1 }, withKey(ANNA)),
      ),
    );
    for (const { status, reason, body } of answers) {
      assert.equal(status, 0, reason);
      ids.push(String(body.transaction_id));
    }
  }
  return ids;
}

/** Waits until the store has a document for each id; then none may be there twice, under any id of its own. */
async function assertOnce(ids: readonly string[]): Promise<void> {
  const wanted = new Set(ids);
  const storedIds = async () => {
    const documents = await search(store, 'ppuri-transactions-*', { match_all: {} });
    return documents.map((line) => String(line['ppuri.transfer.id'])).filter((id) => wanted.has(id));
  };
  await until('all are stored', async () => (await storedIds()).length >= ids.length, WITHIN_MS);
  const stored = await storedIds();
  assert.equal(stored.length, ids.length);
  assert.equal(new Set(stored).size, ids.length);
}

/** The ids of all transfers in transactions.log and in what was rotated of it. */
function idsInFiles(process: string): string[] {
  const names = readdirSync(join(logs, process)).filter((name) => name.startsWith('transactions.log'));
  return names.flatMap((name) =>
    readFileSync(join(logs, process, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => String(JSON.parse(line)['ppuri.transfer.id'])),
  );
}

test('a transfer is one document, found by its id and by the request id that joins it with the edge', {
  skip,
}, async () => {
  const paid = await restClient(edge.restUrl, stack.key).call(
    'wallet.v1.WalletService/Transfer',
    { to_user_id: BO, amount: 300 },
    withKey(ANNA),
  );
  assert.equal(paid.status, 0, paid.reason);
  const id = String(paid.body.transaction_id);
  const [line = {}] = await until(
    'it is stored',
    async () => {
      const documents = await searchTerm(store, 'ppuri-transactions-*', 'ppuri.transfer.id', id);
      return documents.length > 0 && documents;
    },
    WITHIN_MS,
  );
  const requestId = line['http.request.id'];
  const byRequest = await searchTerm(store, 'ppuri-transactions-*', 'http.request.id', requestId);
  assert.deepEqual(byRequest, [line]);
  const atEdge = await until(
    'the edge tells of it',
    async () => {
      const documents = await searchTerm(store, 'ppuri-edge-*', 'http.request.id', requestId);
      return documents.length > 0 && documents;
    },
    WITHIN_MS,
  );
  assert.deepEqual(
    atEdge.map((document) => document['url.path']),
    ['/wallet.v1.WalletService/Transfer'],
  );
  assert.ok((line.event as { ingested: string }).ingested, 'the ingest pipeline ran');
});

test('amounts are numbers, ids are whole words, and addresses are addresses for the store', {
  skip,
}, async () => {
  const inRange = { range: { 'ppuri.amount': { gte: 250, lt: 350 } } };
  await until('the amount', async () => (await search(store, 'ppuri-transactions-*', inRange)).length === 1);
  const inNetwork = { term: { 'client.ip': '127.0.0.0/8' } };
  assert.ok((await search(store, 'ppuri-edge-*', inNetwork)).length > 0);
  const [line = {}] = await search(store, 'ppuri-transactions-*', inRange);
  const part = String(line['http.request.id']).split('-')[0];
  assert.deepEqual(await searchTerm(store, 'ppuri-transactions-*', 'http.request.id', part), []);
});

test('an act of an operator is found by the key that did it', { skip }, async () => {
  await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: `ppk_live_${'a'.repeat(30)}` });
  await until(
    'the audit log has it',
    async () => {
      const documents = await searchTerm(store, 'ppuri-audit-*', 'ppuri.key.id', stack.key.keyId);
      return documents.some((act) => act['ppuri.act.outcome'] === 'refused');
    },
    WITHIN_MS,
  );
});

/** Kibana's query language in that of the store, as far as the saved searches use it. */
const luceneOf = (query: string) =>
  query.replaceAll(' : ', ':').replaceAll(/\b(and|or|not)\b/g, (word) => word.toUpperCase());

test('the saved searches find what they say', { skip }, async () => {
  await fetch(`${edge.restUrl}/nothing`);
  const [paid = {}] = await search(store, 'ppuri-transactions-*', { term: { 'ppuri.amount': 300 } });
  const words: Record<string, unknown> = {
    REQUEST_ID: paid['http.request.id'],
    TRANSFER_ID: paid['ppuri.transfer.id'],
    KEY_ID: stack.key.keyId,
  };
  await stack.db.query('ALTER TABLE users RENAME TO users_away');
  await stack.grpc.call('wallet.v1.UserService/GetUser', { user_id: ANNA }, withKey(BO));
  await stack.db.query('ALTER TABLE users_away RENAME TO users');
  for (const { title, indices, query } of SAVED_SEARCHES) {
    const filled = query.replaceAll(/[A-Z]{2,}_ID/g, (word) => String(words[word]));
    const found = async () => await search(store, indices, { query_string: { query: luceneOf(filled) } });
    await until(title, async () => (await found()).length > 0, WITHIN_MS);
  }
});

test('a line with whatever bytes in it is one document', { skip }, async () => {
  const hostile = [
    'line\nend\r\n{"event.id":"forged","@timestamp":"1999-01-01T00:00:00.000Z"}',
    '"quotes", \\ and \\" and \\u0000',
    String.fromCharCode(...Array.from({ length: 32 }, (_, code) => code)),
    '\u007f\u0085\u2028\u2029\ufeff',
    'half a surrogate: \ud800, the other half: \udc00',
    'x'.repeat(64 * 1024),
    '한글 🎉'.repeat(2000),
  ];
  const strange = createLogs({ folder: join(logs, 'strange'), stdout: 'none', level: 'info' });
  for (const [index, text] of hostile.entries()) {
    strange.app.warn({ reason: text, job: `hostile-${index}` }, text);
    strange.posted(someTransfer({ keyId: `hostile-${index}` }), text, undefined);
  }
  await strange[Symbol.asyncDispose]();
  for (const [index, text] of hostile.entries()) {
    const documents = await until(
      `hostile line ${index}`,
      async () => {
        const app = await searchTerm(store, 'ppuri-app-*', 'ppuri.job', `hostile-${index}`);
        const money = await searchTerm(store, 'ppuri-transactions-*', 'ppuri.key.id', `hostile-${index}`);
        return app.length > 0 && money.length > 0 && [...app, ...money];
      },
      WITHIN_MS,
    );
    assert.equal(documents.length, 2);
    const wellFormed = text.toWellFormed();
    assert.deepEqual(
      [documents[0]?.message, documents[1]?.['http.request.id']].map((told) => String(told).toWellFormed()),
      [wellFormed, wellFormed],
    );
  }
  assert.equal(existsSync(rsyslog.refused), false, 'nothing was refused');
});

test('half a line that a crash left is put aside, and the lines after it are stored', { skip }, async () => {
  const torn = '{"@timestamp":"2026-01-01T00:00:00.000Z","event.id":"torn","mess\n';
  appendFileSync(join(logs, 'strange', 'audit.log'), torn);
  const aside = () => (existsSync(rsyslog.refused) ? readFileSync(rsyslog.refused, 'utf8') : '');
  await until('it is put aside', () => aside() !== '', WITHIN_MS);
  assert.equal(aside(), torn);
});

const ALERT = 'PpuriLogsNotShipped';

/** Waits until lines arrive; returns how many notifications there were by then. */
async function notifiedWhileAllIsWell(): Promise<number> {
  const asked = `ALERTS{alertname="${ALERT}"} or absent(ppuri_logs_shipped_timestamp_seconds)`;
  const isQuiet = async () => (await alerts.prometheus.query(asked)).length === 0;
  await until('lines arrive', isQuiet, WITHIN_MS);
  return alerts.notified.length;
}

test('with the store away, and the pipeline killed in the middle, 1,000 transfers are 1,000 documents, each once, and an operator is told', {
  skip,
  timeout: 280_000,
}, async () => {
  const since = await notifiedWhileAllIsWell();
  await store[Symbol.asyncDispose]();
  const ids = await transfer(400);
  rsyslog.signal('SIGKILL');
  await rsyslog.ended;
  ids.push(...(await transfer(400)));
  rsyslog = await ship();
  await alerts.told(ALERT, 'firing', since, { severity: 'ticket' });
  const port = Number(new URL(store.url).port);
  store = await startOpenSearch({ folder, port });
  ids.push(...(await transfer(200)));
  rsyslog.signal('SIGKILL');
  await rsyslog.ended;
  rsyslog = await ship();
  assert.equal(ids.length, 1000);
  await assertOnce(ids);
  await alerts.told(ALERT, 'resolved', since);
});

test('an operator is told of a shipper that is away', { skip, timeout: 280_000 }, async () => {
  const since = await notifiedWhileAllIsWell();
  await rsyslog[Symbol.asyncDispose]();
  await alerts.told(ALERT, 'firing', since);
  rsyslog = await ship();
  await alerts.told(ALERT, 'resolved', since);
});

test('a store that hangs delays no call, and its lines are in the files', { skip }, async () => {
  store.signal('SIGSTOP');
  const ids = await transfer(200);
  await until('they are in the files', () => {
    const written = new Set(idsInFiles('server'));
    return ids.every((id) => written.has(id));
  });
  store.signal('SIGCONT');
  await assertOnce(ids);
});

const logrotate = skip ? { paths: [] } : await debianPackages(['logrotate'], ['logrotate']);

test('logs that logrotate turns under load are whole and stored once, also where rsyslog was away', {
  skip: skip || ('reason' in logrotate && logrotate.reason),
  timeout: 280_000,
}, async () => {
  const [command = ''] = 'paths' in logrotate ? logrotate.paths : [];
  const deployed = readFileSync(
    new URL('../../../deploy/observability/logrotate.conf', import.meta.url),
    'utf8',
  );
  const config = join(folder, 'logrotate.conf');
  writeFileSync(
    config,
    deployed
      .replaceAll('/var/log/ppuri/', `${logs}/`)
      .replaceAll('/run/ppuri/envoy-admin*.sock', edge.adminSocket)
      .replace(/size \w+/, 'size 1k'),
    { mode: 0o600 },
  );
  const rotate = async () => {
    const { ok, output } = await runCommand(command, ['--state', join(folder, 'logrotate.state'), config]);
    assert.ok(ok, output);
  };
  const ids: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    ids.push(...(await transfer(200)));
    for (let seen = 0; seen < 5; seen++) await fetch(`${edge.restUrl}/nothing`);
    await sleep(300);
    await rotate();
    ids.push(...(await transfer(100)));
    if (turn === 1) {
      rsyslog.signal('SIGKILL');
      await rsyslog.ended;
    }
    // A process looks for its file once a second, and names of rotated files differ by the second.
    await sleep(1300);
  }
  rsyslog = await ship();
  await until('they are in the files', () => new Set(idsInFiles('server')).isSupersetOf(new Set(ids)));
  assert.ok(
    readdirSync(join(logs, 'server')).filter((name) => name.startsWith('transactions.log')).length >= 3,
  );
  assert.ok(readdirSync(join(logs, 'edge')).length >= 3);
  await assertOnce(ids);
});
