// The order of the interceptors: what it costs to refuse a call, and what a refused call can learn, depend on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Authentication,
  createAuthenticator,
  type InterceptorOptions,
  interceptorChains,
} from '../../src/grpc/interceptors/index.ts';
import type { Core } from '../../src/usecases/index.ts';

const options = {
  callTimeoutMs: 1,
  maxInFlight: 1,
} as unknown as InterceptorOptions;
const authenticator = createAuthenticator({ edgeSecret: 'secret' } as Authentication);
const { unary, stream } = interceptorChains({} as Core, authenticator, options);

const CHECKS = [
  'mapErrors',
  'authenticate',
  'auditRefusals',
  'admit',
  'identifyCaller',
  'authorize',
  'validateRequest',
  'persistNonce',
];

test('a unary call passes the interceptors in this order', () => {
  assert.deepEqual(
    unary.map(({ name }) => name),
    ['recordCalls', 'applyDefaultDeadline', 'shedLoad', ...CHECKS],
  );
});

test('a streaming call passes the same checks', () => {
  assert.deepEqual(
    stream.map(({ name }) => name),
    ['recordCalls', 'limitStreamDuration', 'shedLoad', ...CHECKS, 'limitStreamsPerUser', 'endWithKey'],
  );
});
