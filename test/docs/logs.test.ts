// docs/logs.md names the fields that the logs have: those of the code, each in the table of its log, and no others. The index
// templates map all of them, and the saved searches ask for nothing else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONNECTION_LINE, OTHER_LINE, RPC_LINE } from '../../envoy/access-log.ts';
import { SAVED_SEARCHES, savedObjects } from '../../scripts/ops/saved-searches.ts';
import { APP_FIELDS, errorInSchema } from '../../src/runtime/app-log.ts';
import { actLine, ECS_VERSION, transactionLine } from '../../src/runtime/log-lines.ts';
import { someTransfer } from '../runtime/transfers.ts';

const PAGE = readFileSync(new URL('../../docs/logs.md', import.meta.url), 'utf8');
const TRACE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', isSampled: true };

/** The fields in the first column of a section's table. */
function documented(section: string): string[] {
  const [, text = ''] = PAGE.split(`\n## ${section}\n`);
  const rows = (text.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
  );
}

const COMMON = documented('Every line');

/** The same as `documented(section)`, in the same order. */
function assertDocumented(section: string, written: Iterable<string>): void {
  const own = [...new Set(written)].filter((name) => !COMMON.includes(name));
  assert.deepEqual(documented(section).sort(), own.sort());
}

test('of transactions', () => {
  const line = JSON.parse(
    transactionLine(someTransfer({ sprinkleId: crypto.randomUUID() }), 'request-1', TRACE),
  );
  assertDocumented('transactions', Object.keys(line));
  assert.deepEqual(
    COMMON.filter((name) => !(name in line)),
    [],
  );
});

test('of audit', () => {
  const act = {
    actId: crypto.randomUUID(),
    keyId: 'key',
    actor: 'key',
    clientAddress: '127.0.0.1',
    rpc: 'admin.v1.ApiKeyService/RevokeApiKey',
    target: 'target',
    outcome: 'refused',
    reason: 'KEY_NOT_FOUND',
    before: {},
    after: {},
    requestId: 'request-1',
    trace: TRACE,
    count: 1,
  } as const;
  const line = JSON.parse(actLine(act, 'id', Date.now()));
  assertDocumented('audit', Object.keys(line));
  assert.deepEqual(
    COMMON.filter((name) => !(name in line)),
    [],
  );
});

test('of edge', () => {
  const fields = [RPC_LINE, OTHER_LINE, CONNECTION_LINE].flatMap((line) => Object.keys(line));
  assertDocumented('edge', fields);
  for (const line of [RPC_LINE, OTHER_LINE, CONNECTION_LINE])
    assert.deepEqual(
      COMMON.filter((name) => !(name in line)),
      ['process.pid'],
    );
  assert.equal(RPC_LINE['ecs.version'], ECS_VERSION);
});

test('of app', () => {
  const error = errorInSchema({
    ...{ type: 'Error', code: 'X', constraint: 'x', table: 'x', column: 'x', routine: 'x' },
    ...{ syscall: 'x', address: 'x', port: '1', reason: 'X', message: 'x', stack: 'x', cause: { type: 'x' } },
  });
  const named = Object.values(APP_FIELDS).filter(
    (name) => name !== APP_FIELDS.err && name !== APP_FIELDS.trace,
  );
  assertDocumented('app', [...named, ...Object.keys(error), 'trace.id', 'span.id']);
});

test('of the log probe', () => {
  const script = readFileSync(new URL('../../deploy/observability/log-probe.sh', import.meta.url), 'utf8');
  const [, printed = ''] = /printf '(.*)\\n'/.exec(script) ?? [];
  const line = JSON.parse(printed.replace('"process.pid":%s', '"process.pid":1'));
  assert.deepEqual(Object.keys(line).sort(), COMMON.toSorted());
  assert.equal(line['ecs.version'], ECS_VERSION);
});

const ELK = new URL('../../deploy/observability/elk/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, ELK), 'utf8');
const LOGS = ['app', 'transactions', 'audit', 'edge'];
const ALL = new Set(['Every line', ...LOGS].flatMap(documented));

type Properties = Readonly<Record<string, { type?: string; properties?: Properties }>>;

/** The full names of the mapped fields. */
function mapped(properties: Properties, prefix = ''): string[] {
  return Object.entries(properties).flatMap(([name, field]) =>
    field.properties ? mapped(field.properties, `${prefix}${name}.`) : [`${prefix}${name}`],
  );
}

test('every field has a mapping of its own, and no other field has one', () => {
  const { template } = JSON.parse(read('component-templates/ppuri-mappings.json'));
  const added = ['client.ip', 'event.ingested'];
  assert.deepEqual(mapped(template.mappings.properties).sort(), [...ALL, ...added].sort());
});

test('each log has an index template, with a lifecycle that there is, and every shipper ships it', () => {
  for (const log of LOGS) {
    const { index_patterns, composed_of } = JSON.parse(read(`index-templates/ppuri-${log}.json`));
    assert.deepEqual(index_patterns, [`ppuri-${log}-*`]);
    const kept = log === 'app' || log === 'edge' ? 'ppuri-30-days' : 'ppuri-5-years';
    assert.deepEqual(composed_of, ['ppuri-mappings', kept]);
    const { template } = JSON.parse(read(`component-templates/${kept}.json`));
    assert.equal(template.settings.index.lifecycle.name, kept);
    assert.ok(JSON.parse(read(`lifecycle/${kept}.json`)).policy.phases.delete);
    for (const shipper of ['filebeat.yml', '../rsyslog/ppuri.conf'])
      assert.ok(read(shipper).includes(`"/var/log/ppuri/*/${log}.log*"`), `${shipper}: ${log}`);
  }
});

test('saved searches are in step with the code and the page, and name only fields that there are', () => {
  assert.equal(read('kibana/ppuri.ndjson'), savedObjects());
  for (const { title, query, columns } of SAVED_SEARCHES) {
    const asked = [...query.matchAll(/([\w.]+) :/g)].map(([, name = '']) => name);
    assert.deepEqual(
      [...asked, ...columns].filter((name) => !ALL.has(name)),
      [],
      title,
    );
    assert.ok(PAGE.includes(`| ${title.replace('ppuri: ', '')} | \`${query}\` |`), title);
  }
});
