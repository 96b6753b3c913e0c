// Statements over gRPC and REST: what is in the file, how a cut one looks, and what is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from '../../clients/typescript/src/connection.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { actingAs, expectRefusal, uniqueUsers, withKey } from '../api.ts';
import type { Json } from '../api-client.ts';
import { createProgram } from '../scripts/payout-program.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { checkSums, exportOf, type Row, rowsOfCsv, rowsOfNdjson } from './statement-file.ts';

const EXPORT = 'wallet.v2.WalletService/ExportStatement';
/** A memo, and how a spreadsheet gets it. */
const MEMOS: readonly (readonly [memo: string, inCsv: string])[] = [
  ['점심값 🍚', '점심값 🍚'],
  ['a,b "c"', 'a,b "c"'],
  [' spaces ', ' spaces '],
  ['=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['＝1+1', "'＝1+1"],
  ["'quoted", "''quoted"],
  ['', ''],
];

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
});
after(() => stack.stop());

const get = (target: string, user: number) =>
  fetch(`${stack.restUrl}${target}`, {
    headers: signedHeaders({ method: 'GET', target, body: Buffer.alloc(0) }, actingAs(user), stack.key),
  });

async function call(user: number, rpc: string, request: Json): Promise<Json> {
  const answer = await stack.grpc.call(rpc, request, withKey(user));
  assert.equal(answer.status, 0, answer.reason);
  return answer.body;
}

const dollars = (minor_units: number) => ({ currency_code: 'USD', minor_units: String(minor_units) });

/** A new wallet in dollars. */
async function dollarWallet(user: number): Promise<string> {
  const wish = { currency_code: 'USD', display_name: 'dollars' };
  const { wallet } = await call(user, 'wallet.v2.WalletService/CreateWallet', wish);
  return String((wallet as Json).wallet_id);
}

/** Everything that no run shares with another is left out. */
const told = ({ type, number, amount_in, amount_out, balance, currency, counterparty_user_id, memo }: Row) =>
  [type, number, amount_in, amount_out, balance, currency, counterparty_user_id, memo].join('|');

test('the file has every transfer with its balance, the same as CSV and NDJSON, and memos that nobody runs', async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  const [annas, bos] = [await dollarWallet(anna), await dollarWallet(bo)];
  await call(anna, 'wallet.v2.TransferService/Deposit', { wallet_id: annas, amount: dollars(10_005) });
  for (const [memo] of MEMOS) {
    const request = { debit_wallet_id: annas, credit_wallet_id: bos, amount: dollars(1000), memo };
    await call(anna, 'wallet.v2.TransferService/CreateTransfer', request);
  }
  const wish = { wallet_id: annas, amount: dollars(5), reason: 'deposit', credit_wallet_id: bos };
  const { hold } = await call(anna, 'wallet.v2.HoldService/CreateHold', wish);
  const csv = await exportOf(stack, anna, { wallet_id: annas });
  const rows = rowsOfCsv(csv);
  assert.deepEqual(rows.map(told), [
    'OPENING||||0.00|USD||',
    'DEPOSIT|1|100.05||100.05|USD||',
    ...MEMOS.map(([, memo], index) => `TRANSFER|${index + 2}||10.00|${90 - 10 * index}.05|USD|${bo}|${memo}`),
    'HOLD|12||0.05|0.00|USD||deposit',
    'CLOSING|12|100.05|100.05|0.00|USD||',
  ]);
  assert.deepEqual(
    [rows[2]?.counterparty_wallet_id, rows[1]?.counterparty_wallet_id, rows[12]?.hold_id],
    [bos, '', (hold as Json).hold_id],
  );
  const ndjson = await exportOf(stack, anna, { wallet_id: annas, format: 'STATEMENT_FORMAT_NDJSON' });
  const plain = rowsOfNdjson(ndjson, Object.keys(rows[0] ?? {}));
  assert.deepEqual(
    plain.slice(2, -2).map(({ memo }) => memo),
    MEMOS.map(([memo]) => memo),
    'NDJSON has memos as they are',
  );
  assert.deepEqual(
    plain.map((row) => ({ ...row, memo: '' })),
    rows.map((row) => ({ ...row, memo: '' })),
  );
  for (const { time } of rows) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.doesNotMatch(csv, /[^\r]\n|\r[^\n]/, 'lines end with CRLF');
});

test('a period has what lies in it, and a statement from the end of another continues it', async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  const wallet_id = await stack.as(anna).defaultWallet();
  const empty = checkSums(rowsOfCsv(await exportOf(stack, anna, { wallet_id })));
  assert.deepEqual(empty, []);
  await stack.fund([anna], 1000);
  await stack.as(anna).pay(bo, 100);
  const first = rowsOfCsv(await exportOf(stack, anna, { wallet_id }));
  assert.equal(checkSums(first).length, 2);
  const end = first.at(-1)?.time ?? '';
  await stack.as(anna).pay(bo, 10);
  await stack.as(bo).pay(anna, 1);
  const again = rowsOfCsv(await exportOf(stack, anna, { wallet_id, created_before: end }));
  assert.deepEqual(again, first, 'nothing is added to a period that was told');
  const second = rowsOfCsv(await exportOf(stack, anna, { wallet_id, created_from: end }));
  assert.deepEqual([second[0]?.time, second[0]?.balance], [end, first.at(-1)?.balance]);
  assert.deepEqual(
    checkSums(second).map(({ amount_in, amount_out }) => [amount_in, amount_out]),
    [
      ['', '10'],
      ['1', ''],
    ],
  );
  // Both ends are cut down to what there is.
  const request = { wallet_id, created_from: '1026-01-01T00:00:00Z', created_before: '3026-01-01T00:00:00Z' };
  const everything = rowsOfCsv(await exportOf(stack, anna, request));
  assert.equal(checkSums(everything).length, 4);
  assert.ok((everything.at(-1)?.time ?? '') < new Date(Date.now() + 60_000).toISOString());
  const past = { wallet_id, created_from: '1026-01-01T00:00:00Z', created_before: '2026-01-01T00:00:00Z' };
  assert.deepEqual(checkSums(rowsOfCsv(await exportOf(stack, anna, past))), []);
});

test('it is refused with a reason, over both', { skip: withoutEdge }, async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  const wallet_id = await stack.as(anna).defaultWallet();
  const [noon, later] = ['2026-01-01T12:00:00Z', '2026-01-01T12:00:00.000001Z'];
  for (const client of [stack.grpc, stack.rest]) {
    const refusal = (request: Json, user = anna) =>
      client.call(EXPORT, { wallet_id, ...request }, actingAs(user));
    expectRefusal(await refusal({}, bo), 'ERR005', 'WALLET_NOT_FOUND', ['wallet_id']);
    expectRefusal(await refusal({ wallet_id: crypto.randomUUID() }), 'ERR005', 'WALLET_NOT_FOUND', [
      'wallet_id',
    ]);
    expectRefusal(await refusal({ created_from: noon, created_before: noon }), 'ERR001', 'INVALID_FIELD', [
      'created_before',
    ]);
    expectRefusal(await refusal({ created_from: later, created_before: noon }), 'ERR001', 'INVALID_FIELD', [
      'created_before',
    ]);
    expectRefusal(await refusal({ created_from: '3026-01-01T00:00:00Z' }), 'ERR001', 'INVALID_FIELD', [
      'created_from',
    ]);
  }
  expectRefusal(
    await stack.grpc.call(EXPORT, { wallet_id, format: 7 }, actingAs(anna)),
    'ERR001',
    'INVALID_FIELD',
    ['format'],
  );
});

test('over REST it is a file with a name, the same as over gRPC', { skip: withoutEdge }, async () => {
  const [anna = 0] = uniqueUsers(1);
  await stack.addUsers([anna]);
  await stack.fund([anna], 1000);
  const wallet_id = await stack.as(anna).defaultWallet();
  const path = `/api/v2/wallets/${wallet_id}:statement`;
  const csv = await get(path, anna);
  assert.equal(csv.status, 200);
  assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.equal(csv.headers.get('content-disposition'), `attachment; filename="statement-${wallet_id}.csv"`);
  // fetch takes the byte order mark away.
  const overGrpc = await exportOf(stack, anna, { wallet_id });
  assert.equal(Buffer.from(await csv.arrayBuffer()).toString(), overGrpc);
  assert.equal(await exportOf(stack, anna, { wallet_id }, stack.restUrl), overGrpc);
  const ndjson = await get(`${path}?format=STATEMENT_FORMAT_NDJSON`, anna);
  assert.equal(ndjson.headers.get('content-type'), 'application/x-ndjson');
  assert.match(
    await ndjson.text(),
    /^\{"type":"OPENING".*\n\{"type":"DEPOSIT".*\n\{"type":"CLOSING","number":1,.*\n$/,
  );
  const refused = await get(`${path}?format=STATEMENT_FORMAT_XML`, anna);
  assert.equal(refused.status, 400);
});

test('npm run statement writes a whole file, or none and says so', async () => {
  const [anna = 0] = uniqueUsers(1);
  await stack.addUsers([anna]);
  await stack.fund([anna], 1000);
  const program = createProgram(stack.grpcAddress, stack.key, 'statement.ts');
  const wallet_id = await stack.as(anna).defaultWallet();
  const user = ['--user', String(anna)];
  try {
    const done = await program.run(['all.csv', ...user]);
    assert.deepEqual([done.code, done.stdout], [0, ''], done.stderr);
    assert.match(done.stderr, /^all\.csv: 1 transfers before \S+Z, balance 1000 KRW\n$/);
    assert.equal(program.read('all.csv'), await exportOf(stack, anna, { wallet_id }));
    const again = await program.run(['all.csv', ...user]);
    assert.match(`${again.code} ${again.stderr}`, /^1 all\.csv is there already/);
    const early = ['--from', '2026-01-01', '--before', '2026-02-01T00:00:00+09:00', '--wallet', wallet_id];
    const none = await program.run(['early.ndjson', ...user, ...early]);
    assert.match(`${none.code} ${none.stderr}`, /^0 early\.ndjson: 0 transfers/);
    const late = ['--from', '2026-02-01', '--before', '2026-01-01'];
    const wrong = await program.run(['wrong.csv', ...user, ...late]);
    assert.match(`${wrong.code} ${wrong.stderr}`, /^1 .*created_before/s);
    assert.deepEqual(
      program.list().filter((name) => name.includes('wrong')),
      [],
    );
  } finally {
    program.close();
  }
});

test('where it breaks off the last line is missing, and the client says so', {
  skip: withoutEdge,
}, async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  for (let n = 0; n < 3; n++) await stack.as(anna).pay(bo, 1);
  const wallet_id = await stack.as(anna).defaultWallet();
  // A balance that does not follow from the one before is what a missing transfer would look like.
  const shift = (by: number) =>
    stack.db.query(`
      SET session_replication_role = replica;
      UPDATE transfers SET debit_balance_after = debit_balance_after + ${by}
      WHERE debit_account_id = '${wallet_id}' AND debit_balance_after ${by > 0 ? '=' : '>'} 998;
      RESET session_replication_role`);
  await shift(10_000);
  try {
    const cut = await get(`/api/v2/wallets/${wallet_id}:statement`, anna);
    assert.equal(cut.status, 200, 'it was sent before');
    assert.deepEqual(
      (await cut.text()).split('\r\n').map((line) => line.split(',')[0]),
      ['type', 'OPENING', ''],
    );
    for (const address of [stack.grpcAddress, stack.restUrl]) {
      const connection = connect(address, stack.key, { retry: false });
      const read = async () => {
        for await (const _piece of connection.statement({ wallet_id }, actingAs(anna)));
      };
      await assert.rejects(read(), address === stack.restUrl ? /cut off/ : { reason: 'INTERNAL' });
      connection.close();
    }
  } finally {
    await shift(-10_000);
  }
});
