// Random requests for the code that signs, in any language.
import fc from 'fast-check';
import type { UnsignedRequest } from '../../clients/typescript/src/signature.ts';
import { ED25519_KEY, HMAC_KEY } from './signed-requests.ts';

const word = fc.string({
  unit: fc.constantFrom(...'abcXYZ0189-_~', '%20', '%EB%BF%8C', '%2F'),
  minLength: 1,
  maxLength: 12,
});

/** Requests whose address a URL leaves as it is: the library works on URLs, and we on what stands on the wire. */
export const unsignedRequests: fc.Arbitrary<UnsignedRequest> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  path: fc.array(word, { maxLength: 4 }).map((words) => `/${words.join('/')}`),
  query: fc.oneof(
    fc.constant(''),
    fc
      .array(fc.tuple(word, word), { minLength: 1, maxLength: 3 })
      .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
  ),
  headers: fc.record(
    { 'x-user-id': fc.nat().map(String), 'x-room-id': word, 'idempotency-key': word },
    { requiredKeys: [] },
  ),
  body: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ minLength: 1, maxLength: 100 })),
  key: fc.constantFrom(HMAC_KEY, ED25519_KEY),
  created: fc.constant(Math.floor(Date.now() / 1000)),
  nonce: fc.string({ unit: fc.constantFrom(...'abcXYZ0189-_'), minLength: 22, maxLength: 128 }),
});
