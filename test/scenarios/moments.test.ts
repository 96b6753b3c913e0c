// Moments in requests, to the nanosecond and over all of their range: taken exactly, or refused by name.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../../src/domain/refusal.ts';
import { END_OF_TIME } from '../../src/domain/time.ts';
import { toBound, toExactMoment, toLastMoment, toTimestamp } from '../../src/grpc/timestamp.ts';
import { withKey } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO] = [9701, 9702];
let stack: Stack;
let wallet: string;
/** Microseconds of the transfers in Anna's wallet, oldest first. */
let moments: readonly bigint[];

before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1000);
  for (let count = 0; count < 4; count++) {
    const identity = withKey(ANNA);
    await stack.grpc.call(
      'wallet.v1.WalletService/Transfer',
      { to_user_id: String(BO), amount: '1' },
      identity,
    );
  }
  const { rows } = await stack.db.query(
    `SELECT a.id, (extract(epoch FROM t.created_at) * 1000000)::bigint AS micros FROM accounts a
     JOIN transfers t ON a.id IN (t.debit_account_id, t.credit_account_id) WHERE a.owner_user_id = $1 ORDER BY 2`,
    [ANNA],
  );
  wallet = rows[0].id;
  moments = rows.map(({ micros }) => BigInt(micros));
});
after(() => stack.stop());

const NANOS_OF_FIRST_YEAR = -62_135_596_800n * 1_000_000_000n;
const NANOS_OF_LAST_YEAR = 253_402_300_799n * 1_000_000_000n + 999_999_999n;
const anyNanos = fc.bigInt({ min: NANOS_OF_FIRST_YEAR, max: NANOS_OF_LAST_YEAR });
const EXTREMES = [
  NANOS_OF_FIRST_YEAR,
  -1n,
  0n,
  1n,
  9_007_199_254_740_993_001n,
  8_999_999_999_740_993_001n,
  NANOS_OF_LAST_YEAR,
];

const ofNanos = (nanos: bigint) => {
  const seconds = nanos / 1_000_000_000n - (nanos % 1_000_000_000n < 0n ? 1n : 0n);
  return { seconds, nanos: Number(nanos - seconds * 1_000_000_000n) };
};

/** As JSON has it, RFC 3339 with nine digits. */
function textOf(nanos: bigint): string {
  const { seconds, nanos: rest } = ofNanos(nanos);
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${String(rest).padStart(9, '0')}Z`;
}

test('a bound leaves in and out what its own nanoseconds would', () => {
  const row = fc.integer({ min: 0, max: END_OF_TIME - 1 });
  const near = fc
    .tuple(row, fc.integer({ min: -2000, max: 2000 }))
    .map(([micros, by]) => BigInt(micros) * 1000n + BigInt(by));
  fc.assert(
    fc.property(
      row,
      fc.oneof(near, anyNanos, fc.constantFrom(...EXTREMES)),
      fc.integer({ min: -1500, max: 1500 }),
      (micros, far, by) => {
        for (const nanos of [far, BigInt(micros) * 1000n + BigInt(by)]) {
          const [exact, timestamp] = [BigInt(micros) * 1000n, ofNanos(nanos)];
          assert.equal(micros >= (toBound(timestamp, 'f') ?? Number.NaN), exact >= nanos);
          assert.equal(micros < (toBound(timestamp, 'f') ?? Number.NaN), exact < nanos);
          assert.equal(micros <= (toLastMoment(timestamp, 'f') ?? Number.NaN), exact <= nanos);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('a moment that is kept comes back as it was, or is refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anyNanos,
        fc.integer({ min: 0, max: END_OF_TIME - 1 }).map((micros) => BigInt(micros) * 1000n),
      ),
      (nanos) => {
        const timestamp = ofNanos(nanos);
        try {
          assert.deepEqual(toTimestamp(toExactMoment(timestamp, 'f') ?? Number.NaN), timestamp);
        } catch (error) {
          assert.ok(error instanceof Refusal && error.violations[0]?.field === 'f');
          assert.ok(nanos % 1000n !== 0n || nanos < 0n || nanos >= BigInt(END_OF_TIME) * 1000n);
        }
      },
    ),
  );
});

test('lists and balances as of a moment: right to the nanosecond beside each transfer, and far away', async () => {
  const list = async (bounds: Record<string, string>) => {
    const request = { wallet_id: wallet, page_size: 100, ...bounds };
    const answer = await stack.grpc.call('wallet.v2.WalletService/ListTransactions', request, {
      userId: String(ANNA),
    });
    assert.equal(answer.status, 0, answer.reason);
    return answer.list('transactions').length;
  };
  const balance = async (asOf: string) => {
    const request = { wallet_id: wallet, as_of: asOf };
    const answer = await stack.grpc.call('wallet.v2.WalletService/GetBalance', request, {
      userId: String(ANNA),
    });
    assert.equal(answer.status, 0, answer.reason);
    return Number(answer.at('balance', 'minor_units'));
  };
  const beside = moments.flatMap((moment) =>
    [-1000n, -999n, -1n, 0n, 1n, 999n, 1000n].map((by) => moment * 1000n + by),
  );
  for (const nanos of [...beside, ...EXTREMES]) {
    const text = textOf(nanos);
    const upTo = moments.filter((moment) => moment * 1000n <= nanos).length;
    const beforeIt = moments.filter((moment) => moment * 1000n < nanos).length;
    assert.equal(await list({ created_from: text }), moments.length - beforeIt, `from ${text}`);
    assert.equal(await list({ created_before: text }), beforeIt, `before ${text}`);
    assert.equal(await balance(text), upTo === 0 ? 0 : 1000 - (upTo - 1), `as of ${text}`);
  }
});

test('statistics take every moment', async () => {
  for (const start of EXTREMES) {
    for (const end of EXTREMES) {
      const request = {
        measure: 'calls',
        period: 'PERIOD_HOUR',
        start_time: textOf(start),
        end_time: textOf(end),
      };
      const answer = await stack.grpc.call('admin.v1.StatisticsService/GetSeries', request);
      assert.ok(
        answer.status === 0 || answer.reason === 'INVALID_FIELD',
        `${answer.reason} ${JSON.stringify(request)}`,
      );
    }
  }
});

test('the moments of a key come back to the microsecond, or are refused by name', async () => {
  const create = (times: Record<string, string>) =>
    stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', {
      display_name: 'a key',
      kind: 'API_KEY_KIND_HMAC_SHA256',
      scopes: ['SCOPE_READ'],
      ...times,
    });
  const soon = BigInt(Date.now()) * 1_000_000n + 3_600_000_123_456_000n;
  const [from, until] = [textOf(soon), textOf(soon + 86_400_000_001_000n)];
  const made = await create({ active_from: from, expires_at: until });
  const short = (text: string) => text.replace('000Z', 'Z');
  assert.deepEqual(
    [made.at('api_key', 'active_from'), made.at('api_key', 'expires_at')],
    [from, until].map(short),
  );
  const { key_id } = made.body.api_key as { key_id: string };
  const got = await stack.grpc.call('admin.v1.ApiKeyService/GetApiKey', { key_id });
  assert.equal(got.at('api_key', 'expires_at'), short(until));
  for (const nanos of [soon + 1n, 9_007_199_254_740_993_000n, NANOS_OF_LAST_YEAR]) {
    const refused = await create({ expires_at: textOf(nanos) });
    assert.deepEqual([refused.reason, refused.fields], ['INVALID_FIELD', ['expires_at']], textOf(nanos));
  }
  const overlap = await stack.grpc.call('admin.v1.ApiKeyService/RotateApiKey', {
    key_id: stack.key.keyId,
    overlap: '0.000000999s',
  });
  assert.equal(overlap.status, 0, overlap.reason);
});
