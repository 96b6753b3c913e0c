// Files that `npm run payout` cannot pay: it names line and column of each problem, and sends nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Stack, startStack } from '../stack.ts';
import { createProgram, type Program } from './payout-program.ts';

const PAYER = 5601;

let stack: Stack;
let program: Program;
before(async () => {
  stack = await startStack();
  program = createProgram(stack.grpcAddress, stack.key);
  await stack.addUsers([PAYER]);
  await stack.fund([PAYER], 1000);
});
after(async () => {
  const { rows } = await stack.db.query('SELECT count(*)::int AS payouts FROM payouts');
  assert.equal(rows[0].payouts, 0, 'a payout was created');
  program.close();
  await stack.stop();
});

/** The lines that the program prints for a file. */
async function outputFor(
  name: string,
  content: string | Buffer | undefined,
  ...more: string[]
): Promise<string[]> {
  if (content !== undefined) program.file(name, content);
  const { code, stdout, stderr } = await program.run([name, '--user', String(PAYER), ...more]);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  assert.doesNotMatch(stderr, /^\s+at |Error:/m, 'a stack trace');
  return stderr.trimEnd().split('\n');
}

test('every field that is wrong is named by its line, as an editor counts, and its column', async () => {
  const bad = [
    ['1e3', 'amount: "1e3" is not an amount in KRW; write digits only, like 1000'],
    ['12.5', 'amount: "12.5" has more decimals than KRW, which has no decimals'],
    ['"1,000"', 'amount: "1,000" is not an amount in KRW; write digits only, like 1000'],
    ['99999999999999999999', 'amount: "99999999999999999999" is too large'],
    ['', 'amount: is empty'],
    ['+5', 'amount: "+5" is not an amount in KRW; write digits only, like 1000'],
    ['NaN', 'amount: "NaN" is not an amount in KRW; write digits only, like 1000'],
  ] as const;
  const rest = [
    ['abc,1,,,', 'user_id: "abc" is not a user\'s number'],
    ['9223372036854775808,1,,,', 'user_id: "9223372036854775808" is not a user\'s number'],
    [',1,,,', 'user_id: is empty, and so is wallet_id'],
    ['1,1,won,,', 'currency: "won" is not a code like KRW, USD, EUR, JPY'],
    ['1,1.234,USD,,', 'amount: "1.234" has more decimals than USD, which has 2 decimals'],
    ['1,x,USD,,', 'amount: "x" is not an amount in USD; write digits only, like 1000.50'],
    ['1\u200b,1,,,', 'user_id: "1\\u{200b}" is not a user\'s number'],
    ['1,1,,a b,', 'key: "a b" is not 1 to 64 visible ASCII characters'],
    [
      '1,1,,,"two\nlines"',
      'memo: "two\\nlines" is longer than 200 characters or has control characters (such as ends of lines)',
    ],
    ['1,1,,', '4 fields where the header has 5'],
  ] as const;
  const rows = [...bad.map(([amount]) => `1,${amount},,,`), ...rest.map(([row]) => row)];
  const said = await outputFor('bad.csv', ['user_id,amount,currency,key,memo', '', ...rows].join('\r\n'));
  // The memo with a line break moves the next row one line down.
  const lineOf = (index: number) => 3 + index + (index === rows.length - 1 ? 1 : 0);
  assert.deepEqual(said, [
    ...[...bad, ...rest].map(([, words], index) => `bad.csv, line ${lineOf(index)}: ${words}`),
    'Nothing was sent',
  ]);
});

test('after twenty complaints it only counts them', async () => {
  const said = await outputFor('all-bad.csv', `user_id,amount\n${'1,x\n'.repeat(1234)}`);
  assert.equal(said.length, 22);
  assert.match(said[19] ?? '', /^all-bad\.csv, line 21: amount: /);
  assert.deepEqual(said.slice(20), ['and 1,214 more', 'Nothing was sent']);
});

test('NDJSON: numbers are taken digit by digit, and what is no payment is named', async () => {
  const rows = [
    '{"user_id": 1, "amount": 1e3}',
    '{"user_id": 1, "amount": 9223372036854775808}',
    '',
    '{"user_id": 1, "amount": {"minor_units": 5}}',
    '[1, 2]',
    '{"user_id": 1, "amount": 5',
    '{"user_id": 1, "amuont": 5}',
    '{"user_id": 1, "amount": 5, "memo": ", \\"amount\\": ", "\\u0061mount" : 5000}',
    '{"user_id": 1, "wallet_id": "00000000-0000-4000-8000-000000000000", "amount": 1, "memo": "\\ud800"}',
  ];
  assert.deepEqual(
    (await outputFor('bad.ndjson', rows.join('\n'))).map((line) => line.replace(/;.*| like \{.*/, '')),
    [
      'bad.ndjson, line 1: amount: "1e3" is not an amount in KRW',
      'bad.ndjson, line 2: amount: "9223372036854775808" is too large',
      'bad.ndjson, line 4: amount: must be a number or text',
      'bad.ndjson, line 5: is not an object',
      'bad.ndjson, line 6: is not JSON',
      'bad.ndjson, line 7: an unknown column "amuont"',
      'bad.ndjson, line 8: the name "amount" is there twice',
      'bad.ndjson, line 9: wallet_id: and user_id are both given',
      'bad.ndjson, line 9: memo: "\\ud800" is longer than 200 characters or has control characters (such as ends of lines)',
      'Nothing was sent',
    ],
  );
});

const line = '1,1\n';
const whole: readonly [name: string, content: string | Buffer | undefined, said: readonly string[]][] = [
  ['missing.csv', undefined, ['missing.csv cannot be read: there is no such file']],
  ['empty.csv', '', ['empty.csv has no lines to pay']],
  ['header-only.csv', 'user_id,amount\r\n\r\n', ['header-only.csv has no lines to pay']],
  ['what.txt', line, ['what.txt ends in neither .csv, .ndjson nor .jsonl; say which with --format']],
  [
    'header.csv',
    `user,amount,amount\n1,1,1\n`,
    [
      'header.csv, line 1: an unknown column "user"; there are user_id, wallet_id, amount, currency, key, memo',
      'header.csv, line 1: the column "amount" is there twice',
      'header.csv, line 1: the header lacks user_id or wallet_id',
      'Nothing was sent',
    ],
  ],
  [
    'semicolons.csv',
    'user_id;amount\n1;1\n',
    [
      'semicolons.csv, line 1: the columns are separated by semicolons; save the file with commas',
      'Nothing was sent',
    ],
  ],
  [
    'tabs.csv',
    'user_id\tamount\n1\t1\n',
    ['tabs.csv, line 1: the columns are separated by tabs; save the file with commas', 'Nothing was sent'],
  ],
  [
    'latin1.csv',
    Buffer.from('user_id,amount,memo\n1,1,\xe9\n', 'latin1'),
    ['latin1.csv, line 2: is not UTF-8; save the file as UTF-8'],
  ],
  [
    'quote.csv',
    'user_id,amount,memo\n1,1,a\n1,1,"b\n1,1,c\n',
    [
      'quote.csv, line 3: a quotation mark is opened here or further down and never closed',
      'Nothing was sent',
    ],
  ],
  [
    'long.csv',
    `user_id,amount\n${line.repeat(100_001)}`,
    ['long.csv has more than 100,000 lines, the most that a payout takes; split it'],
  ],
];
for (const [name, content, said] of whole) {
  test(`${name}: ${said[0]}`, async () => {
    assert.deepEqual(await outputFor(name, content), said);
  });
}

test('without a yes nothing is sent: the count and the sum of each currency are shown first', async () => {
  const name = program.file('sums.csv', 'user_id,amount,currency\n1,400,\n1,600,KRW\n1,10.5,USD\n1,-7,KRW\n');
  const said = await outputFor(name, undefined);
  assert.match(
    said[0] ?? '',
    /^sums\.csv: 3 lines, 1,000 KRW; 1 line, 10\.50 USD, out of wallet [0-9a-f-]{36}$/,
  );
  assert.deepEqual(said.slice(1), ['Nothing was sent. If this is what you want to pay, say --yes']);
});

test('at a terminal it asks, and anything but a yes sends nothing', async () => {
  const name = program.file('asked.csv', 'user_id,amount\n1,1\n');
  const { code, stdout } = await program.runInTerminal([name, '--user', String(PAYER)], 'no\n');
  assert.equal(code, 1);
  assert.match(stdout, /1 line, 1 KRW, .*Pay this\? .*\[y\/N\].*Nothing was sent/s);
});

test('flags that make no sense, and nobody to talk to: one line', async () => {
  const name = program.file('good.csv', 'user_id,amount\n1,1\n');
  const said = async (...args: string[]) => (await program.run(args)).stderr.trimEnd().split('\n')[0];
  assert.equal(await said(name), 'whose money is it? --user 1001');
  assert.match((await said('-', '--user', '5601')) ?? '', /^the standard input has no name; /);
  assert.equal(
    await said(name, '--user', '5601', '--mode', 'some'),
    '--mode takes each or all-or-nothing, not "some"',
  );
  assert.match((await said(name, '--user', '5699')) ?? '', /there is no such user/);
  assert.equal(await said(name, '--user', '5601', '--wallet', 'x'), 'user 5601 has no wallet x');
  const { code: helped, stdout: help } = await program.run(['--help']);
  assert.equal(helped, 0);
  assert.match(help, /^usage: .*Amounts are in the unit that people count in/s);
  const nobody = createProgram('127.0.0.1:1', stack.key);
  const { code, stderr } = await nobody.run([
    nobody.file('good.csv', 'user_id,amount\n1,1\n'),
    '--user',
    '5601',
  ]);
  nobody.close();
  assert.equal(code, 1);
  assert.match(stderr, /^nothing is running on the data folder .*\n$/);
});
