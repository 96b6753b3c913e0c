// Health checks by service, and the contracts by reflection.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { DESCRIPTOR_SET, SERVICES } from '../../src/grpc/contracts.ts';
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

function checkHealth(service: string): Promise<{ status: string }> {
  const { path, requestSerialize, responseDeserialize } = (healthService as ServiceDefinition)
    .Check as ServiceDefinition[string];
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

test('health checks report the whole server and every service', async () => {
  for (const name of ['', ...SERVICES])
    await until(`${name} is SERVING`, async () => (await checkHealth(name)).status === 'SERVING');
});

test('the health of an unknown service is NOT_FOUND, with details like every error', async () => {
  await assert.rejects(
    checkHealth('wallet.v9.WalletService'),
    (error: { code: number; metadata: { get(name: string): unknown[] } }) => {
      assert.equal(error.code, 5);
      assert.equal(error.metadata.get('grpc-status-details-bin').length, 1);
      return true;
    },
  );
});

test('the descriptor for reflection and the edge has every service', () => {
  const definitions = loadFileDescriptorSetFromBuffer(DESCRIPTOR_SET);
  for (const name of SERVICES) assert.ok(definitions[name], name);
});

test('no field of a response is a map: Envoy crashes on a map entry that is incomplete on the wire', () => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, DESCRIPTOR_SET));
  const seen = new Set<string>();
  const walk = (message: DescMessage) => {
    if (seen.has(message.typeName)) return;
    seen.add(message.typeName);
    for (const field of message.fields) {
      assert.notEqual(field.fieldKind, 'map', `${message.typeName}.${field.name}`);
      if (field.message) walk(field.message);
    }
  };
  for (const name of SERVICES)
    for (const { output } of registry.getService(name)?.methods ?? []) walk(output);
  assert.ok(seen.size > 30);
});
