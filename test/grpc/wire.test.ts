// Fuzzing: whatever bytes are sent, a handler gets only requests that satisfy the rules of its contract.
// WIRE_SECONDS is the duration (3 by default), WIRE_SEED the seed; a failure names its seed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { Refusal } from '../../src/domain/refusal.ts';
import { CallContext, type ServerCall } from '../../src/grpc/call-context.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { chain } from '../../src/grpc/interceptor.ts';
import { validateRequest } from '../../src/grpc/interceptors/validate-request.ts';
import { brokenRules, type Sample, samples } from './wire/methods.ts';
import { type Mutation, mutate, mutations } from './wire/mutate.ts';

const SECONDS = Number(process.env.WIRE_SECONDS ?? 3);
const SEED = Number(process.env.WIRE_SEED ?? Date.now());
const SAMPLES = samples();

/** What came of bytes: what the handler got, or why it got nothing. */
type Outcome = { readonly request: unknown } | { readonly refusal: Refusal };
type Server = (sample: Sample, bytes: Buffer) => Promise<Outcome>;

/** The way that requests take: read, checked, handled. */
const server: Server = async ({ method }, bytes) => {
  const contract = CONTRACTS.get(method.path);
  assert.ok(contract);
  const serverCall = { request: bytes, metadata: new Metadata(), getPeer: () => '', getDeadline: () => 0 };
  const call = new CallContext(method, contract, serverCall as unknown as ServerCall);
  try {
    return { request: await chain([validateRequest], async () => call.request())(call) };
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error };
    throw error;
  }
};

/** The way they took before: one decoder for the rules, another one for the handler. */
const twoDecoders: Server = async ({ method }, bytes) => {
  const refusal = new Refusal('MALFORMED_REQUEST');
  try {
    if ((CONTRACTS.get(method.path)?.validate(bytes) ?? []).length > 0) return { refusal };
    return { request: method.requestDeserialize(bytes) };
  } catch {
    return { refusal };
  }
};

/** What a handler got, read field by field into a message that the rules can be checked over. */
function rebuild(desc: DescMessage, request: object): Message {
  const message = create(desc);
  const view = reflect(desc, message);
  const got = request as Record<string, unknown>;
  const put = (field: DescField, value: unknown): unknown =>
    field.message ? reflect(field.message, rebuild(field.message, value as object)) : value;
  for (const field of desc.fields) {
    const oneof =
      field.oneof && (got[field.oneof.localName] as { $case: string; value: unknown } | undefined);
    const value = field.oneof
      ? oneof?.$case === field.localName
        ? oneof.value
        : undefined
      : got[field.localName];
    if (value === undefined) continue;
    setField(view, field, value, put);
  }
  return message;
}

function setField(
  view: ReflectMessage,
  field: DescField,
  value: unknown,
  put: (field: DescField, value: unknown) => unknown,
): void {
  if (field.fieldKind === 'list') {
    for (const element of value as readonly unknown[]) view.get(field).add(put(field, element));
  } else if (field.fieldKind !== 'map') view.set(field, put(field, value));
}

function faultOf(sample: Sample, outcome: Outcome): string | undefined {
  if ('refusal' in outcome) {
    const { reason } = outcome.refusal;
    return ['INVALID_FIELD', 'MALFORMED_REQUEST'].includes(reason) ? undefined : `refused for ${reason}`;
  }
  const text = JSON.stringify(outcome.request, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
  if (text.includes('\\u0000')) return 'the handler got a NUL character';
  const { input } = sample.rpc;
  // A number that its type cannot hold is not even a message.
  const broken = (() => {
    try {
      return brokenRules(input, rebuild(input, outcome.request as object));
    } catch (error) {
      return [String(error)];
    }
  })();
  return broken.length > 0 ? broken.join(', ') : undefined;
}

/** Searches for bytes that bring a handler a request that its contract forbids. */
async function search(serve: Server, seconds: number, seed: number): Promise<string | undefined> {
  const property = fc.asyncProperty(
    fc.nat(SAMPLES.length - 1),
    mutations,
    async (index: number, changes: readonly Mutation[]) => {
      const sample = SAMPLES[index] as Sample;
      const bytes = changes.reduce((before, one) => mutate(sample.rpc.input, before, one), sample.bytes);
      const fault = faultOf(sample, await serve(sample, Buffer.from(bytes)));
      assert.equal(
        fault,
        undefined,
        `${sample.method.path} ${Buffer.from(bytes).toString('hex').slice(0, 400)}`,
      );
    },
  );
  const end = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < end; round++) {
    const result = await fc.check(property, { seed: seed + round, numRuns: 500 });
    if (result.failed) return `${result.errorInstance}\n${fc.defaultReportMessage(result)}`;
  }
  return undefined;
}

test('unchanged requests are accepted, by every method', async () => {
  for (const sample of SAMPLES) {
    assert.ok('request' in (await server(sample, Buffer.from(sample.bytes))), sample.method.path);
  }
  assert.equal(SAMPLES.length, CONTRACTS.size);
});

test(`for ${SECONDS} s from seed ${SEED}: no bytes bring a handler a request that its contract forbids`, {
  timeout: SECONDS * 1000 + 60_000,
}, async () => {
  assert.equal(await search(server, SECONDS, SEED), undefined);
});

test('negative control: with two decoders, such bytes are found within a minute', {
  timeout: 120_000,
}, async () => {
  assert.match((await search(twoDecoders, 60, 1)) ?? '', /\/(wallet|admin)\.v\d/);
});

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** Bytes by hand, of requests that should be taken or not. */
const CASES: readonly [name: string, path: string, bytes: string, outcome: string][] = [
  [
    'a field after an end-group tag',
    'wallet.v1.WalletService/ListTransactions',
    '08 ffffffff07 0c 08 01',
    'MALFORMED_REQUEST page_size',
  ],
  ['a group', 'wallet.v1.WalletService/Charge', '08 05 13 14', 'MALFORMED_REQUEST body'],
  ['a scalar twice', 'wallet.v1.WalletService/Charge', '08 05 08 06', 'MALFORMED_REQUEST amount'],
  ['an unknown field', 'wallet.v1.WalletService/Charge', '08 05 78 01', 'MALFORMED_REQUEST body'],
  ['a longer number than needed', 'wallet.v1.WalletService/Charge', '08 85 00', 'MALFORMED_REQUEST amount'],
  [
    'more than 64 bits',
    'wallet.v1.WalletService/Charge',
    '08 ffffffffffffffffff02',
    'MALFORMED_REQUEST amount',
  ],
  [
    'more than 32 bits in an int32',
    'wallet.v1.SprinkleService/CreateSprinkle',
    '08 05 10 8180808010',
    'MALFORMED_REQUEST headcount',
  ],
  ['a number cut off', 'wallet.v1.WalletService/Charge', '08 85', 'MALFORMED_REQUEST amount'],
  ['a length beyond the end', 'wallet.v1.RoomService/GetRoom', '0a 05 61', 'MALFORMED_REQUEST room_id'],
  ['a number as a text', 'wallet.v1.RoomService/GetRoom', '08 05', 'MALFORMED_REQUEST room_id'],
  [
    'text that is not UTF-8',
    'wallet.v1.WalletService/Transfer',
    '08 05 10 05 1a 02 c080',
    'MALFORMED_REQUEST memo',
  ],
  ['a NUL', 'wallet.v1.WalletService/Transfer', '08 05 10 05 1a 01 00', 'INVALID_FIELD memo'],
  [
    'both of a oneof',
    'wallet.v2.PayoutService/AddPayoutLines',
    '1a 04 08 05 12 00',
    'MALFORMED_REQUEST lines[0].wallet_id',
  ],
  ['fields in another order', 'wallet.v1.WalletService/Transfer', '10 05 08 05', 'taken'],
  ['a default written out', 'wallet.v1.WalletService/ListTransactions', '08 00 12 00', 'taken'],
  ['a list of numbers, not packed', 'admin.v1.JobService/ReplayDeadLetters', '08 05 08 06', 'taken'],
  [
    'a list of numbers, packed twice',
    'admin.v1.JobService/ReplayDeadLetters',
    '0a 01 05 0a 02 06 07',
    'taken',
  ],
];

for (const [name, path, bytes, outcome] of CASES) {
  test(`${name}: ${outcome}`, async () => {
    const sample = SAMPLES.find(({ method }) => method.path === `/${path}`) as Sample;
    const got = await server(sample, hex(bytes));
    if ('request' in got) assert.equal('taken', outcome);
    else {
      const { reason, violations } = got.refusal;
      assert.equal(`${reason} ${violations.map(({ field }) => field).join(' ')}`, outcome);
    }
  });
}

test('a list that is too long is counted up to its limit and not read further', async () => {
  for (const rpc of ['TransferService/BatchCreateTransfers', 'WalletService/BatchGetBalances']) {
    const sample = SAMPLES.find(({ method }) => method.path === `/wallet.v2.${rpc}`) as Sample;
    const bytes = hex('0a00'.repeat(500_000));
    const before = process.cpuUsage();
    const got = await server(sample, bytes);
    const { user, system } = process.cpuUsage(before);
    assert.ok('refusal' in got && user + system < 250_000, `${user + system} µs of CPU`);
    assert.deepEqual(
      got.refusal.violations.map(({ description }) => description.en),
      ['must have at most 1000 items'],
    );
  }
});
