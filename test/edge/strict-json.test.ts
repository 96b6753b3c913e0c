// Bodies and queries that the transcoder would take although they are not what the contract says: the edge refuses each,
// names what is wrong, and nothing moves.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { renderEdge } from '../../envoy/render.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { asker, type RestError, saidOf } from './ask-rest.ts';
import { send } from './wire.ts';

const [ANNA, BO] = [8701, 8702];
const skip = withoutEdge;
let stack: Stack;
let ask: ReturnType<typeof asker>;
let wallet: string;
before(async () => {
  if (skip) return;
  stack = await startStack({ edge: true });
  ask = asker(stack, ANNA);
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1_000_000);
  const { rows } = await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA]);
  wallet = rows[0].id;
});
after(() => stack?.stop());

const transferCount = async () =>
  (await stack.db.query('SELECT count(*)::int AS count FROM transfers')).rows[0].count as number;

const TRANSFER = '/api/v1/wallet/transfer';
const BODIES: readonly (readonly [name: string, body: string, said: string])[] = [
  ['an unknown field', '{"to_user_id":8702,"amount":5,"memmo":"x"}', 'memmo: is not a field of this call'],
  ['a field twice', '{"to_user_id":8702,"amount":5,"amount":6}', 'amount: is there twice'],
  [
    'a field in both spellings',
    '{"to_user_id":8702,"toUserId":8702,"amount":5}',
    'to_user_id: is there twice',
  ],
  ['single quotes', "{'to_user_id':8702,'amount':5}", 'body: a name in double quotes is missing at byte 2'],
  ['a name without quotes', '{to_user_id:8702}', 'body: a name in double quotes is missing at byte 2'],
  [
    'a comma at the end',
    '{"to_user_id":8702,"amount":5,}',
    'body: a name in double quotes is missing at byte 31',
  ],
  [
    'a fraction that rounds',
    '{"to_user_id":8702,"amount":0.99999999999999999999}',
    'amount: must be a whole number, in digits only',
  ],
  ['an exponent', '{"to_user_id":8702,"amount":1e3}', 'amount: must be a whole number, in digits only'],
  [
    'a fraction of nothing',
    '{"to_user_id":8702,"amount":5.0}',
    'amount: must be a whole number, in digits only',
  ],
  ['a plus sign', '{"to_user_id":8702,"amount":+5}', 'body: a value is missing or not JSON at byte 29'],
  ['zeros in front', '{"to_user_id":8702,"amount":007}', 'amount: must be a whole number, in digits only'],
  [
    'zeros in front, as text',
    '{"to_user_id":8702,"amount":"007"}',
    'amount: must be a whole number, in digits only',
  ],
  [
    'spaces around the digits',
    '{"to_user_id":8702,"amount":" 5"}',
    'amount: must be a whole number, in digits only',
  ],
  ['hexadecimal', '{"to_user_id":8702,"amount":0x5}', 'amount: must be a whole number, in digits only'],
  ['NaN', '{"to_user_id":8702,"amount":NaN}', 'body: a value is missing or not JSON at byte 29'],
  ['true for a number', '{"to_user_id":8702,"amount":true}', 'amount: must not be true or false'],
  ['a list for a number', '{"to_user_id":8702,"amount":[5]}', 'amount: must not be a list'],
  ['an object for a number', '{"to_user_id":8702,"amount":{}}', 'amount: must not be an object'],
  ['a number for text', '{"to_user_id":8702,"amount":5,"memo":7}', 'memo: must be text'],
  [
    'something behind the object',
    '{"to_user_id":8702,"amount":5} {}',
    'body: something follows the object at byte 32',
  ],
  [
    'a list as the body',
    '[{"to_user_id":8702,"amount":5}]',
    'body: the body must be a JSON object at byte 1',
  ],
  [
    'half of a character',
    '{"to_user_id":8702,"amount":5,"memo":"\\ud800"}',
    'body: half of a character at byte 39',
  ],
  [
    'an escape of our own',
    '{"to_user_id":8702,"amount":5,"memo":"\\x41"}',
    'body: an escape that JSON does not have at byte 39',
  ],
  [
    'an end of line in a text',
    '{"to_user_id":8702,"amount":5,"memo":"a\nb"}',
    'body: a string that does not end at byte 40',
  ],
  ['a comment', '{"to_user_id":8702,/* */"amount":5}', 'body: a name in double quotes is missing at byte 20'],
  ['a comma too few', '{"to_user_id":8702 "amount":5}', 'body: a comma or } is missing at byte 20'],
  ['an end that is missing', '{"to_user_id":8702,"amount":5', 'body: a comma or } is missing at byte 30'],
];

for (const [name, body, said] of BODIES) {
  test(`${name} is refused`, { skip }, async () => {
    const before = await transferCount();
    assert.equal(saidOf(await ask('POST', TRANSFER, body)), said);
    assert.equal(await transferCount(), before);
  });
}

test('text that is not UTF-8 is refused', { skip }, async () => {
  const [head, tail] = ['{"to_user_id":8702,"amount":5,"memo":"', '"}'];
  for (const bytes of [
    'ff',
    '80',
    'c080',
    'c3',
    'e0809f',
    'eda080',
    'e282',
    'f08080af',
    'f4908080',
    'f5808080',
  ]) {
    const body = Buffer.concat([Buffer.from(head), Buffer.from(bytes, 'hex'), Buffer.from(tail)]);
    assert.equal(saidOf(await ask('POST', TRANSFER, body)), 'body: text that is not UTF-8 at byte 39', bytes);
  }
  for (const text of [
    '\u0080',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '😀',
    '\u{10ffff}',
    '\u007f뿌',
  ]) {
    const came = await ask('POST', TRANSFER, `${head}${text}${tail}`);
    // Control characters are for the server to refuse.
    assert.ok(came.status === 200 || /^memo: /.test(saidOf(came)), text);
  }
});

test('refusals name the path of a field in lists and nested messages', { skip }, async () => {
  const item = `{"debit_wallet_id":"${wallet}","credit_user_id":${BO},"amount":{"currency_code":"KRW","minor_units":1}}`;
  const batch = (items: string) => `{"mode":"BATCH_MODE_EACH","items":${items}}`;
  const target = '/api/v2/transfers:batchCreate';
  const bad: readonly (readonly [items: string, said: string])[] = [
    [item, 'items: must be a list'],
    [
      `[${item},${item.replace('"minor_units":1', '"minor_units":1,"minorUnits":2')}]`,
      'items[1].amount.minor_units: is there twice',
    ],
    [
      `[${item.replace('"currency_code"', '"currency"')}]`,
      'items[0].amount.currency: is not a field of this call',
    ],
    [
      `[${item.replace('"amount":{', '"credit_wallet_id":"x","amount":{')}]`,
      'items[0].destination: only one of its fields may be there',
    ],
    [`[${item},]`, 'items[1]: must be an object'],
    [`[${item} ${item}]`, `body: a comma or ] is missing at byte ${batch(`[${item} `).length}`],
  ];
  const before = await transferCount();
  for (const [items, said] of bad) assert.equal(saidOf(await ask('POST', target, batch(items))), said, items);
  const mode = batch(`[${item}]`).replace('BATCH_MODE_EACH', 'EACH');
  assert.equal(saidOf(await ask('POST', target, mode)), 'mode: must be one of the values in the contract');
  assert.equal(await transferCount(), before);
  const good = await ask('POST', target, batch(`[${item},${item}]`));
  assert.equal(good.status, 200, good.text);
  assert.equal(await transferCount(), before + 2);
});

test('valid JSON passes: spaces, escapes, both spellings, numbers as text, null', {
  skip,
}, async () => {
  const before = await transferCount();
  for (const body of [
    ' {\r\n\t"toUserId" : "8702" , "amount" : 5 } \n',
    '{"to_user_id":8702,"amount":"5","memo":null}',
    '{"to_user_id":8702,"amount":5,"memo":"\\u0041\\ud83d\\ude00 \\"\\\\\\/ 안녕 😀 {[,:]}"}',
    '{"to\\u005fuser_id":8702,"amount":5}',
  ]) {
    const came = await ask('POST', TRANSFER, body);
    // A name that is written with escapes is known to no table; it is refused rather than read in two ways.
    if (body.includes('\\u005f')) assert.match(saidOf(came), /is not a field of this call$/);
    else assert.equal(came.status, 200, came.text);
  }
  assert.equal(await transferCount(), before + 3);
});

const PASS_ALL = 'function envoy_on_request(h) h:headers():replace("x-request-checked", "yes") end';

test('negative control: without the check the transcoder accepts what the contract forbids', {
  skip,
}, async () => {
  const lax = await startTestEdge(`${stack.logDir}/lax`, [stack.app.grpcPort], {
    render: (settings) =>
      renderEdge(settings).replace(/"local ROUTES(?:[^"\\]|\\.)*"/, JSON.stringify(PASS_ALL)),
  });
  try {
    for (const body of [
      '{"to_user_id":8702,"amount":5,"memmo":"x"}',
      '{"to_user_id":8702,"amount":0.99999999999999999999}',
    ]) {
      const before = await transferCount();
      const came = await ask('POST', TRANSFER, body, 'application/json', lax.restUrl);
      assert.equal(came.status, 200, came.text);
      assert.equal(await transferCount(), before + 1);
    }
  } finally {
    await lax.stop();
  }
});

test('in Korean too', { skip }, async () => {
  const headers = { 'accept-language': 'ko', 'content-type': 'application/json' };
  const { text } = await send(stack.restUrl ?? '', {
    method: 'POST',
    target: TRANSFER,
    headers,
    body: '{"x":1}',
  });
  const { details } = JSON.parse(text) as RestError;
  const [violation] = details.flatMap(({ field_violations = [] }) => field_violations);
  assert.deepEqual(
    [violation?.field, violation?.localized_message?.message],
    ['x', '이 호출에 없는 필드입니다'],
  );
});

test('a body of another type, and one where none belongs, are refused', { skip }, async () => {
  const form = await ask(
    'POST',
    TRANSFER,
    '{"to_user_id":8702,"amount":5}',
    'application/x-www-form-urlencoded',
  );
  assert.equal(saidOf(form), 'content-type: must be application/json');
  assert.equal(saidOf(await ask('GET', '/api/v1/wallet/balance', '{}')), 'body: this call takes no body');
  for (const encoding of ['gzip', 'br', 'identity, gzip']) {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
    const came = await send(stack.restUrl, { method: 'POST', target: TRANSFER, headers, body: '{}' });
    assert.equal(saidOf(came), 'content-encoding: must be identity');
  }
  const utf8 = await ask(
    'POST',
    TRANSFER,
    '{"to_user_id":8702,"amount":5}',
    'application/json; charset=utf-8',
  );
  assert.equal(utf8.status, 200, utf8.text);
});

test('the size of a body is limited by route', { skip }, async () => {
  const large = `{"to_user_id":8702,"amount":5,"memo":"${'x'.repeat(16_384)}"}`;
  const came = await ask('POST', TRANSFER, large);
  assert.deepEqual([came.status, came.reason], [413, 'REQUEST_TOO_LARGE']);
  const megabyte = await ask('POST', '/api/v2/transfers:batchCreate', `{"items":[]${' '.repeat(2 ** 20)}}`);
  assert.deepEqual([megabyte.status, megabyte.reason], [413, 'REQUEST_TOO_LARGE']);
  // The longest memos in a thousand items, in letters of three bytes.
  const item = {
    debit_wallet_id: wallet,
    credit_user_id: BO,
    amount: { currency_code: 'KRW', minor_units: 1 },
  };
  const items = Array.from({ length: 1000 }, () => ({ ...item, memo: '가'.repeat(200) }));
  const body = JSON.stringify({ mode: 'BATCH_MODE_EACH', items });
  assert.ok(Buffer.byteLength(body) > 700_000);
  const whole = await ask('POST', '/api/v2/transfers:batchCreate', body);
  assert.equal(whole.status, 200, whole.text.slice(0, 500));
});

test('accepted bodies are JSON without unknown or repeated fields', { skip }, async () => {
  const whole = '{"to_user_id":8702,"amount":5,"memo":"a\\u0041\\n{\\"b\\"}"}';
  const piece = fc.constantFrom(
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '0',
    '-',
    '.',
    'e',
    'x',
    '\n',
    '\0',
    "'",
    'null',
    'true',
    '"amount":5',
    '\ud800',
    '가',
    '//',
  );
  const edit = fc.record({
    at: fc.nat({ max: whole.length }),
    cut: fc.nat({ max: 6 }),
    put: fc.array(piece, { maxLength: 2 }),
  });
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 2 }), async (edits) => {
      const body = edits.reduce(
        (text, { at, cut, put }) => text.slice(0, at) + put.join('') + text.slice(at + cut),
        whole,
      );
      // Unsigned, so what gets through is refused by the server alone, and no limit is reached.
      const came = await send(stack.restUrl ?? '', {
        method: 'POST',
        target: TRANSFER,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(body),
      });
      assert.ok([400, 401].includes(came.status), `${came.status} for ${JSON.stringify(body)}`);
      if (came.status !== 401 || body.length === 0) return;
      accepted += 1;
      const names: string[] = [];
      JSON.parse(body, (name, value) => {
        if (name !== '') names.push(name);
        return value;
      });
      for (const name of names) assert.ok(['to_user_id', 'amount', 'memo'].includes(name), body);
      const said = [...body.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?/g)]
        .filter(([, , colon]) => colon)
        .map(([, name]) => name);
      assert.equal(new Set(said).size, said.length, body);
    }),
    { numRuns: 400 },
  );
  assert.ok(accepted > 5, `only ${accepted} got through`);
});
