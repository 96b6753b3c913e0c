// Backpressure: for a reader that takes nothing, the server makes no more messages than the connection buffers.
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { PayoutServiceService, WatchPayoutResponse } from '../../gen/ts/wallet/v2/payout_service.ts';
import { type Handlers, implementService } from '../../src/grpc/handlers.ts';
import type { Interceptor } from '../../src/grpc/interceptor.ts';
import { limitStreamDuration } from '../../src/grpc/interceptors/deadlines.ts';
import { until } from '../until.ts';

const STREAM_MS = 2000;
/** What the windows of HTTP/2 and the sockets between hold of messages of this size is far less. */
const FAR_TOO_MANY = 2000;
const MESSAGE_BYTES = 10_000;

let asked = 0;
let isOver = false;
const never = () => Promise.reject(new Error('no test calls this'));
const handlers: Handlers<typeof PayoutServiceService> = {
  createPayout: never,
  addPayoutLines: never,
  startPayout: never,
  getPayout: never,
  listPayoutFailures: never,
  cancelPayout: never,
  /** Has a new message whenever one is asked for. */
  async *watchPayout(_request, _caller, signal) {
    try {
      for (asked = 1; !signal.aborted; asked++) {
        yield WatchPayoutResponse.fromPartial({ payout: { memo: 'x'.repeat(MESSAGE_BYTES) } });
      }
    } finally {
      isOver = true;
    }
  },
};

/** In place of the checks: accepts every call. */
const acceptAll: Interceptor = (call, next) => {
  call.caller = {
    call: { id: 'test', deadlineMs: call.deadlineMs, keyId: undefined, rpc: undefined, made: undefined },
    userId: 1n,
    roomId: '',
    key: { userId: 1n, key: '', fingerprint: '' },
  };
  return next();
};

const server = new Server();
after(() => server.forceShutdown());

test('no messages are made for a reader that takes none, and its stream ends at the maximum duration', async () => {
  const chains = { unary: [], stream: [limitStreamDuration(STREAM_MS), acceptAll] };
  const { methods, implementation } = implementService(PayoutServiceService, handlers, chains);
  server.addService(methods, implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  // Not the client of grpc-js, which reads ahead of its user.
  const session = connect(`http://127.0.0.1:${port}`);
  after(() => session.destroy());
  const { path } = PayoutServiceService.watchPayout;
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  stream.on('error', () => {});
  stream.end(Buffer.alloc(5));
  const openedAt = performance.now();
  await until('it has begun', () => asked > 1, 5000);
  let before = 0;
  while (before !== asked) {
    before = asked;
    await sleep(200);
  }
  assert.ok(asked < FAR_TOO_MANY, `${asked} messages were made without a reader`);
  assert.equal(isOver, false, 'it waits');
  await until('its time is over', () => isOver, STREAM_MS + 5000);
  assert.ok(performance.now() - openedAt >= STREAM_MS - 100);
});
