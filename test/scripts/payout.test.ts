// `npm run payout`: it pays each line of a file once, names the lines that it cannot pay, and continues after any kill.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  freePorts,
  startServerProcess,
  startWorkerProcess,
  type WorkerProcess,
  workerEnv,
} from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, serverEnv, startStack } from '../stack.ts';
import { linesPaid } from '../worker/payouts.ts';
import { createProgram, type Program } from './payout-program.ts';

const [PAYER, BO, CHO] = [5501, 5502, 5503];
const USER = ['--user', String(PAYER), '--yes'];
const options = { skip: withoutRedis };

let stack: Stack;
let redis: OwnRedis;
let program: Program;
let worker: WorkerProcess | undefined;
before(async () => {
  if (withoutRedis) return;
  redis = await startOwnRedis();
  stack = await startStack();
  program = createProgram(stack.grpcAddress, stack.key);
  await stack.addUsers([PAYER, BO, CHO]);
  await stack.fund([PAYER], 1_000_000);
});
after(async () => {
  if (withoutRedis) return;
  await worker?.stop();
  program.close();
  await stack.stop();
  await redis.stop();
});

const startWorker = async () => {
  worker ??= await startWorkerProcess(workerEnv(stack.database, redis.url));
};
async function balances(): Promise<number[]> {
  const { rows } = await stack.db.query(
    'SELECT balance::int FROM accounts WHERE owner_user_id = ANY ($1) ORDER BY owner_user_id',
    [[PAYER, BO, CHO]],
  );
  return rows.map(({ balance }) => balance);
}
const gains = (one: readonly number[], other: readonly number[]) =>
  other.map((balance, index) => balance - (one[index] ?? 0));

test('Ctrl-C while the payout runs: it goes on, and the same command watches it again', options, async () => {
  const name = program.file('few.csv', `user_id,amount,memo\n${BO},500,Rent\n${CHO},300,\n`);
  const before = await balances();
  const run = program.start([name, ...USER]);
  // There is no worker yet.
  await run.printed('paying lines');
  run.process.kill('SIGINT');
  const { code, stderr } = await run.ended;
  assert.equal(code, 130);
  assert.match(
    stderr,
    /The payout goes on without you\. Watch it again with\n.*npm run payout -- few\.csv --user 5501 --yes\n/,
  );
  assert.deepEqual(gains(before, await balances()), [-800, 0, 0], 'it is set aside');
  // It watches before the worker starts, which would otherwise be done too soon.
  const watching = program.start([name, ...USER]);
  await watching.printed('paying lines');
  await startWorker();
  const again = await watching.ended;
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^2 of 2 lines paid, 800 KRW, /);
  const third = await program.run([name, ...USER]);
  assert.equal(third.code, 0);
  assert.match(third.stdout, /^This was paid before.*nothing was paid now/);
  assert.doesNotMatch(third.stderr, /adding|paying/);
  assert.deepEqual(gains(before, await balances()), [-800, 500, 300]);
});

const MIXED = [
  '\ufeffuser_id,wallet_id,amount,currency,key,memo',
  `${BO},,100,KRW,a,"Rent, ""October"""`,
  '',
  '999999,,1,,b,',
  `${BO},,0,,c,`,
  `${CHO},,200,,a,`,
  `${CHO},,12.50,USD,,`,
  `${CHO},,1,ABC,,`,
  ',00000000-0000-4000-8000-000000000000,1,,,',
  ` ${CHO} ,, 300 ,,d,`,
].join('\r\n');
const UNPAID = [
  'mixed.csv, line 4: user_id: there is no such user (ERR005 USER_NOT_FOUND)',
  'mixed.csv, line 5: amount: must be from 1 to 9007199254740991 (ERR001 INVALID_FIELD)',
  'mixed.csv, line 6: key: an earlier line of the payout has the same key (ERR006 LINE_KEY_REUSED)',
  'mixed.csv, line 7: currency: the currencies do not match (ERR001 CURRENCY_MISMATCH)',
  'mixed.csv, line 8: currency: there is no wallet in this currency (ERR001 UNKNOWN_CURRENCY)',
  'mixed.csv, line 9: wallet_id: there is no such wallet (ERR005 WALLET_NOT_FOUND)',
];

test(
  'lines that cannot be paid are named by their numbers in the file; nothing, or the rest, is paid',
  options,
  async () => {
    await startWorker();
    const name = program.file('mixed.csv', MIXED);
    const before = await balances();
    const none = await program.run([name, ...USER, '--mode', 'all-or-nothing', '--key', 'all-of-it']);
    assert.equal(none.code, 1, none.stderr);
    assert.deepEqual(none.stdout.trim().split('\n').map(withoutText), UNPAID.map(withoutText));
    assert.match(none.stderr, /Nothing was paid/);
    assert.deepEqual(gains(before, await balances()), [0, 0, 0]);
    const each = await program.run([name, ...USER]);
    assert.equal(each.code, 2, each.stderr);
    const said = each.stdout.trim().split('\n');
    assert.deepEqual(said.slice(0, UNPAID.length).map(withoutText), UNPAID.map(withoutText));
    assert.match(said[UNPAID.length] ?? '', /^2 of 8 lines paid, 400 KRW, /);
    assert.match(said[UNPAID.length + 1] ?? '', /^6 failed/);
    assert.deepEqual(gains(before, await balances()), [-400, 100, 300]);
    // A corrected file is another payout, which would pay the good lines twice.
    program.file('mixed.csv', MIXED.replace('999999', String(CHO)));
    const corrected = await program.run([name, ...USER]);
    assert.equal(corrected.code, 1);
    assert.match(corrected.stderr, /\nother lines went out under this name before; /);
    assert.deepEqual(gains(before, await balances()), [-400, 100, 300]);
  },
);

/** Line, column, code and reason, without the text between, which may change. */
function withoutText(failure: string): string {
  return failure.replace(/: [^:]*(?=\()/, ' ');
}

test(
  'a file is the same payout under every spelling of its name that a file system takes for the same',
  options,
  async () => {
    await startWorker();
    const before = await balances();
    const name = `${'십일월 급여 '.repeat(5)}Été.csv`;
    const spellings = [name, name.normalize('NFD'), name.toUpperCase(), name.replace('É', 'é')];
    for (const [index, spelling] of spellings.entries()) {
      const file = program.file(spelling, `user_id,amount\n${BO},70\n`);
      const { code, stdout, stderr } = await program.run([file, ...USER]);
      assert.equal(code, 0, stderr);
      if (index > 0) assert.match(stdout, /^This was paid before/);
    }
    assert.deepEqual(gains(before, await balances()), [-70, 70, 0]);
  },
);

test('at a terminal a yes pays', options, async () => {
  await startWorker();
  const before = await balances();
  const name = program.file('asked.csv', `user_id,amount\n${BO},4\n`);
  const { code, stdout } = await program.runInTerminal([name, '--user', String(PAYER)], 'y\n');
  assert.equal(code, 0, stdout);
  assert.deepEqual(gains(before, await balances()), [-4, 4, 0]);
});

test('NDJSON, and CSV from the standard input', options, async () => {
  await startWorker();
  const before = await balances();
  const lines = `{"user_id": ${BO}, "amount": 7, "memo": null}\n\n{"user_id": "${CHO}", "amount": "8"}\n`;
  const ndjson = await program.run([program.file('some.ndjson', lines), ...USER]);
  assert.equal(ndjson.code, 0, ndjson.stderr);
  const piped = await program.run(['-', ...USER, '--key', 'piped'], `user_id,amount\n${BO},9\n`);
  assert.equal(piped.code, 0, piped.stderr);
  assert.deepEqual(gains(before, await balances()), [-24, 16, 8]);
});

test(
  'killed at any moment and run again, it pays each line once; under another key once more',
  options,
  async (t) => {
    await startWorker();
    const LINES = 10_000;
    const rows = Array.from({ length: LINES }, (_, i) => `${i % 2 ? BO : CHO},1,line-${i},${i + 1}`);
    const name = program.file('large.csv', ['user_id,amount,key,memo', ...rows].join('\n'));
    const kills: (string | null)[] = [];
    for (const delayMs of [50, 200, 450, 800]) {
      const run = program.start([name, ...USER]);
      // Where the machine is fast, all of it may have been paid before: then it ends by itself and prints no progress.
      await run.printed(' lines:').then(
        () => sleep(delayMs),
        () => {},
      );
      run.process.kill('SIGKILL');
      await run.ended;
      kills.push(run.process.signalCode);
    }
    assert.ok(kills.includes('SIGKILL'), 'no run was cut off');
    const last = await program.run([name, ...USER]);
    assert.equal(last.code, 0, last.stderr);
    assert.deepEqual(await linesPaid(stack.db, LINES), { once: LINES, doubled: 0, never: 0 });
    t.diagnostic('negative control: the name of the payout is what keeps it from being paid again');
    const other = await program.run([name, ...USER, '--key', 'another-name']);
    assert.equal(other.code, 0, other.stderr);
    assert.deepEqual(await linesPaid(stack.db, LINES), { once: 0, doubled: LINES, never: 0 });
  },
);

test('a server that dies and comes back is waited for', options, async () => {
  await startWorker();
  const env = { ...serverEnv(stack.database, stack.logDir), REDIS_URL: redis.url };
  const ports = await freePorts();
  const first = await startServerProcess(env, ports);
  const elsewhere = createProgram(first.address, stack.key);
  const rows = Array.from({ length: 10_000 }, () => `${BO},1`);
  const name = elsewhere.file('elsewhere.csv', ['user_id,amount', ...rows].join('\n'));
  const before = await balances();
  const run = elsewhere.start([name, ...USER]);
  await run.printed('adding lines');
  await first.kill();
  const second = await startServerProcess(env, ports);
  const { code, stderr } = await run.ended;
  elsewhere.close();
  await second.stop();
  assert.equal(code, 0, stderr);
  assert.deepEqual(gains(before, await balances()), [-10_000, 10_000, 0]);
});

test('a name stands for one payout: other lines, modes or memos under it are refused', options, async () => {
  await startWorker();
  const before = await balances();
  const row = `${BO},1\n`;
  const run = (rows: string, ...more: string[]) =>
    program.run(['-', ...USER, '--key', 'one-name', ...more], `user_id,amount\n${rows}`);
  assert.equal((await run(row + row)).code, 0);
  for (const rows of [row, row + row + row, `${row}${BO},2\n`]) {
    const { code, stderr } = await run(rows);
    assert.equal(code, 1);
    assert.match(stderr, /\nother lines went out under this name before; .*--key\n$/);
  }
  const otherMode = await run(row + row, '--mode', 'all-or-nothing');
  assert.match(otherMode.stderr, /\nthis name went out before with another wallet, mode or memo; /);
  const aboveBalance = await program.run(
    ['-', ...USER, '--mode', 'all-or-nothing', '--key', 'too-much'],
    `user_id,amount\n${BO},9000000\n`,
  );
  assert.equal(aboveBalance.code, 1);
  assert.match(aboveBalance.stderr, /\nthe wallet has less than all lines take; nothing was paid\./);
  assert.deepEqual(gains(before, await balances()), [-2, 2, 0]);
});
