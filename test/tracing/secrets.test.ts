// What must not leave the process with spans: secrets, signatures, texts of people, parameters of statements, amounts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { uniqueUsers, withKey, won } from '../api.ts';
import { overGrpc, overRest } from '../auth/send.ts';
import { EDGE_SECRET } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type OtlpSink, startOtlpSink } from './otlp-sink.ts';
import { newTraceparent } from './paying.ts';

const MEMO = 'planted-memo';
const NAME = 'planted-name';
const AMOUNT = 987_654_321;
const PLANTED = ['planted', String(AMOUNT), EDGE_SECRET];

let sink: OtlpSink;
let stack: Stack;
before(async () => {
  sink = await startOtlpSink();
  stack = await startStack({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_TRACES_SAMPLER_ARG: '1' },
    edge: withoutEdge ? false : { settings: { tracing: { endpoint: sink.url, ratio: 1 } } },
  });
});
after(async () => {
  await stack.stop();
  await sink[Symbol.asyncDispose]();
});

/** Headers that hold something wherever a client can write. */
const HEADERS = {
  'user-agent': 'planted-agent',
  'x-client-trace-id': 'planted-client-trace',
  'x-envoy-downstream-service-cluster': 'planted-cluster',
  tracestate: 'planted=planted-state',
  authorization: 'Bearer planted-token',
  cookie: 'planted=cookie',
  'accept-language': 'planted',
};

test('no span holds what clients write, nor what they may not see of others', async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], AMOUNT);
  const wallet = await stack.as(anna).defaultWallet();
  const request = { debit_wallet_id: wallet, credit_user_id: String(bo), amount: won(AMOUNT), memo: MEMO };
  const clients = withoutEdge ? [stack.grpc] : [stack.grpc, stack.rest];
  const key = `planted-${crypto.randomUUID()}`;
  for (const client of clients) {
    for (const identity of [withKey(anna, key), withKey(anna)])
      await client.call('wallet.v2.TransferService/CreateTransfer', request, identity);
    await client.call('wallet.v2.WalletService/ListWallets', { page_token: 'planted-page' }, withKey(anna));
    await client.call(
      'wallet.v2.UserService/UpdateUser',
      { user_id: String(anna), display_name: NAME },
      withKey(anna),
    );
    // Postgres and the messages that it refuses are asked about a room that there is not.
    await client.call('wallet.v2.RoomService/GetRoom', { room_id: 'planted-room' }, withKey(anna));
  }
  const transports = [overGrpc(stack.grpcAddress), ...(withoutEdge ? [] : [overRest(stack.restUrl)])];
  const { traceId, traceparent } = newTraceparent();
  for (const transport of transports) {
    const transfer = transport.transfer(bo, 1);
    const signed = signedHeaders(transfer, withKey(anna), stack.key);
    await transport.send({ ...transfer, headers: { ...signed, ...HEADERS, traceparent } });
    await transport.send({ ...transfer, headers: { ...signed, signature: 'sig1=:cGxhbnRlZA==:' } });
    await transport.send({ ...transfer, target: `${transfer.target}/planted?planted=1`, headers: HEADERS });
    await transport.close();
  }
  const wanted = withoutEdge ? 'ppuri-server' : 'ppuri-edge';
  await sink.find((span) => span.service === wanted && span.traceId === traceId, 20_000);
  await sink.find((span) => span.name === 'wallet.v2.RoomService/GetRoom');
  const all = Buffer.concat(sink.bodies).toString('latin1');
  const secrets = [stack.key.keyId, ...(stack.key.kind === 'hmac-sha256' ? [String(stack.key.secret)] : [])];
  for (const text of [...PLANTED, ...secrets, wallet])
    assert.ok(!all.includes(text), `${text} stands in a span`);
  // A negative control: what does stand there is found so.
  assert.ok(all.includes('wallet.v2.TransferService/CreateTransfer'));
});
