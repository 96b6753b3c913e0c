// Every status but OK has its ErrorInfo, also those that grpc-js sends itself, and reveals nothing internal.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { BadRequest, ErrorInfo, LocalizedMessage } from '../../gen/ts/google/rpc/error_details.ts';
import { Status } from '../../gen/ts/google/rpc/status.ts';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { statusOf } from '../../src/grpc/error-status.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

let stack: Stack;
let client: Client;
before(async () => {
  stack = await startStack();
  client = new Client(stack.grpcAddress, credentials.createInsecure());
});
after(async () => {
  client.close();
  await stack.stop();
});

function call(
  path: string,
  bytes: Buffer,
  headers: Record<string, string> = {},
  deadlineMs = 5000,
): Promise<ServiceError> {
  const metadata = new Metadata();
  const { 'x-user-id': userId, ...others } = headers;
  const signed = signedHeaders(
    { method: 'POST', target: path, body: bytes },
    userId ? { userId } : {},
    stack.key,
  );
  for (const [name, value] of Object.entries({ ...others, ...signed })) metadata.set(name, value);
  const asIs = (message: Buffer) => message;
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, options, (error) => {
      if (error) resolve(error);
      else reject(new Error('the call was answered OK'));
    });
  });
}

function detailsOf(error: ServiceError): Status {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  assert.ok(Buffer.isBuffer(bytes), `no details on: ${error.message}`);
  return Status.decode(bytes);
}

const BALANCE = '/wallet.v1.WalletService/GetBalance';

test('an unknown method and an unknown service are UNIMPLEMENTED, with details', async () => {
  for (const path of ['/wallet.v1.WalletService/Nothing', '/wallet.v9.WalletService/GetBalance', '/x']) {
    const error = await call(path, Buffer.alloc(0));
    assert.equal(error.code, status.UNIMPLEMENTED);
    assert.equal(PpuriError.ofGrpc(error).reason, 'METHOD_NOT_FOUND');
    assert.equal(PpuriError.ofGrpc(error).code, 'ERR005');
  }
});

test('bytes that are no message are refused as malformed', async () => {
  const error = await call(BALANCE, Buffer.from('ffffffff', 'hex'), { 'x-user-id': '1' });
  assert.equal(error.code, status.INVALID_ARGUMENT);
  assert.equal(PpuriError.ofGrpc(error).reason, 'MALFORMED_REQUEST');
});

test('a message that is too large is refused with details', async () => {
  const error = await call(BALANCE, Buffer.alloc(2 * 1024 * 1024), { 'x-user-id': '1' });
  assert.equal(error.code, status.RESOURCE_EXHAUSTED);
  assert.equal(PpuriError.ofGrpc(error).code, 'ERR008');
});

test('an unexpected error is INTERNAL for the caller, and logged in full under the same request id', async () => {
  await stack.db.query('ALTER TABLE users RENAME TO users_away');
  try {
    const requestId = crypto.randomUUID();
    const request = Buffer.from([8, 1]);
    const error = await call('/wallet.v1.UserService/GetUser', request, {
      'x-user-id': '1',
      'x-request-id': requestId,
    });
    assert.equal(error.code, status.INTERNAL);
    assert.equal(error.details, 'internal error');
    assert.deepEqual(error.metadata.get('x-request-id'), [requestId]);
    assert.doesNotMatch(JSON.stringify(detailsOf(error)), /users|relation|select/i);
    const line = await until('it is logged', () => {
      const lines = readFileSync(`${stack.logDir}/app.log`, 'utf8').split('\n').slice(0, -1);
      return lines.find((text) => text.includes(requestId));
    });
    assert.match(line, /"error.code":"42P01"/);
  } finally {
    await stack.db.query('ALTER TABLE users_away RENAME TO users');
  }
});

test('messages are Korean for accept-language: ko', async () => {
  for (const [accept, locale] of [
    ['ko-KR,ko;q=0.9', 'ko'],
    ['en-US', 'en'],
    ['fr', 'en'],
  ] as const) {
    const error = await call(BALANCE, Buffer.alloc(0), { 'x-user-id': '999999', 'accept-language': accept });
    const any = detailsOf(error).details.find(({ typeUrl }) => typeUrl.endsWith('LocalizedMessage'));
    const words = LocalizedMessage.decode(any?.value ?? Buffer.alloc(0));
    assert.deepEqual([words.locale, words.message], [locale, REASONS.USER_NOT_FOUND[locale]]);
  }
});

test('each invalid field is described in English, and also in Korean for accept-language: ko', async () => {
  const violationsOf = async (headers: Record<string, string>) => {
    // A room whose name has a space, and no sprinkle.
    const bytes = Buffer.from('0a03612062', 'hex');
    const error = await call('/wallet.v2.SprinkleService/GetSprinkle', bytes, {
      'x-user-id': '1001',
      ...headers,
    });
    const any = detailsOf(error).details.find(({ typeUrl }) => typeUrl.endsWith('BadRequest'));
    return BadRequest.decode(any?.value ?? Buffer.alloc(0)).fieldViolations;
  };
  const english = await violationsOf({});
  const korean = await violationsOf({ 'accept-language': 'ko' });
  assert.deepEqual(
    english.map(({ field, description }) => `${field} ${description}`),
    ['room_id must be 1 to 64 letters, digits, hyphens or underscores', 'sprinkle_id must be a UUID'],
  );
  assert.deepEqual(
    english.map(({ localizedMessage }) => localizedMessage),
    [undefined, undefined],
  );
  assert.deepEqual(
    korean.map(({ localizedMessage }) => localizedMessage),
    [
      { locale: 'ko', message: '영문자, 숫자, 하이픈, 밑줄 1~64자여야 합니다' },
      { locale: 'ko', message: 'UUID여야 합니다' },
    ],
  );
  assert.deepEqual(
    korean.map(({ description }) => description),
    english.map(({ description }) => description),
  );
});

test('every reason has exactly one ErrorInfo, without empty values, which would crash the edge', () => {
  for (const reason of Object.keys(REASONS) as Reason[]) {
    const { metadata, code } = statusOf(new Refusal(reason), 'ko', 'id');
    assert.equal(code, status[REASONS[reason].status]);
    const { details } = Status.decode(metadata.get('grpc-status-details-bin')[0] as Buffer);
    const infos = details.filter(({ typeUrl }) => typeUrl.endsWith('ErrorInfo'));
    assert.equal(infos.length, 1);
    const info = ErrorInfo.decode(infos[0]?.value ?? Buffer.alloc(0));
    assert.deepEqual([info.reason, info.domain], [reason, 'ppuri']);
    for (const [name, value] of Object.entries(info.metadata)) assert.ok(name !== '' && value !== '');
  }
});
