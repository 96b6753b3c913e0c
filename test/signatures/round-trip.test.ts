// Property tests: a signed request is accepted, and refused with anything of it altered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { signRequest, type UnsignedRequest } from '../../clients/typescript/src/signature.ts';
import { parseSignature, SIGNED_HEADERS, type SignedRequest, sha256Of } from '../../src/signatures/index.ts';
import { counterpartOf, ED25519_KEY, HMAC_KEY, isAccepted, signAndReceive } from './signed-requests.ts';

const VISIBLE = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index));
const visible = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...VISIBLE), minLength, maxLength });
const pathText = visible(0, 40).map((text) => `/${text.replaceAll('?', '')}`);
const unit = fc.constantFrom(...'ABCXYZabcxyz0189-_');

const unsigned: fc.Arbitrary<UnsignedRequest> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: pathText,
  query: fc.oneof(
    fc.constant(''),
    visible(0, 40).map((text) => `?${text}`),
  ),
  headers: fc.record(
    {
      'x-user-id': fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String),
      'x-room-id': fc.string({ unit, maxLength: 64 }),
      'idempotency-key': visible(1, 128),
    },
    { requiredKeys: [] },
  ),
  body: fc.uint8Array({ maxLength: 300 }),
  key: fc.constantFrom(HMAC_KEY, ED25519_KEY),
  created: fc.nat({ max: 999_999_999_999_999 }),
  nonce: fc.string({ unit, minLength: 22, maxLength: 128 }),
});

test('a signed request is accepted, with its key, time and algorithm', () => {
  fc.assert(
    fc.property(unsigned, (request) => {
      const parsed = parseSignature(signAndReceive(request));
      if ('fault' in parsed) throw new Error(parsed.fault);
      const { keyId, created, nonce, alg } = parsed;
      const { key } = request;
      assert.deepEqual(
        { keyId, created, nonce, alg },
        { keyId: key.keyId, created: request.created, nonce: request.nonce, alg: key.kind },
      );
      assert.ok(isAccepted(signAndReceive(request), counterpartOf(key)));
    }),
  );
});

/** Ways to alter a request that has been signed; each gives another request than it was given. */
const alterations: readonly ((request: SignedRequest, pick: number) => SignedRequest)[] = [
  (request) => ({ ...request, method: `${request.method}S` }),
  (request) => ({ ...request, method: request.method.toLowerCase() }),
  (request) => ({ ...request, path: `${request.path}/` }),
  (request) => ({ ...request, path: request.path.replace('/', '/%2f') }),
  (request) => ({ ...request, query: `${request.query === '' ? '?' : request.query}&` }),
  (request, pick) => {
    const bodySha256 = Uint8Array.from(request.bodySha256);
    bodySha256[pick % 32] = (bodySha256[pick % 32] ?? 0) ^ (1 << (pick % 8));
    return { ...request, bodySha256 };
  },
  (request) => ({ ...request, bodySha256: sha256Of(Buffer.from('the body of another request')) }),
  (request) => ({ ...request, bodySha256: new Uint8Array() }),
  ...SIGNED_HEADERS.flatMap((name) => [
    (request: SignedRequest) => {
      const [value] = request.headers[name] ?? [];
      return { ...request, headers: { ...request.headers, [name]: [`${value ?? ''}0`] } };
    },
    (request: SignedRequest) => {
      const [value = 'x'] = request.headers[name] ?? [];
      return { ...request, headers: { ...request.headers, [name]: [value, value] } };
    },
    (request: SignedRequest) => {
      const [value] = request.headers[name] ?? [];
      return { ...request, headers: { ...request.headers, [name]: value === undefined ? ['1'] : [] } };
    },
  ]),
  ...(['signature-input', 'signature'] as const).flatMap((name) => [
    (request: SignedRequest, pick: number) => {
      const text = request.headers[name]?.[0] ?? '';
      const place = pick % text.length;
      const other = text.charAt(place) === 'A' ? 'B' : 'A';
      const altered = text.slice(0, place) + other + text.slice(place + 1);
      return { ...request, headers: { ...request.headers, [name]: [altered] } };
    },
    (request: SignedRequest, pick: number) => {
      const text = request.headers[name]?.[0] ?? '';
      const place = pick % text.length;
      const altered = text.slice(0, place) + text.slice(place + 1);
      return { ...request, headers: { ...request.headers, [name]: [altered] } };
    },
  ]),
];

test('a request with anything altered is refused', () => {
  fc.assert(
    fc.property(unsigned, fc.nat(), (request, pick) => {
      const signed = signAndReceive(request);
      for (const alter of alterations) {
        const altered = alter(signed, pick);
        // A space taken out of the list changes nothing that it says, and RFC 9421 signs what it says.
        if (isSameInput(altered, signed)) continue;
        assert.equal(isAccepted(altered, counterpartOf(request.key)), false, alter.toString());
      }
    }),
    { numRuns: 300 },
  );
});

function isSameInput(one: SignedRequest, other: SignedRequest): boolean {
  const [a, b] = [one, other].map(({ headers }) => headers['signature-input']?.[0]);
  return a !== b && a?.replaceAll(' ', '') === b?.replaceAll(' ', '');
}

test('altering any character of the two headers is refused', () => {
  const request: UnsignedRequest = fc.sample(unsigned, { numRuns: 1, seed: 9421 })[0] ?? assert.fail();
  const signed = signAndReceive({ ...request, key: HMAC_KEY });
  for (const name of ['signature-input', 'signature'] as const) {
    const text = signed.headers[name]?.[0] ?? '';
    for (let place = 0; place < text.length; place++) {
      for (const other of ['', 'A', 'z', '7', '"', ':', ';', '=', '(', '\\', '\n', '\u00e9']) {
        const altered = text.slice(0, place) + other + text.slice(place + 1);
        if (altered === text || (other === '' && text.charAt(place) === ' ')) continue;
        const arrived = { ...signed, headers: { ...signed.headers, [name]: [altered] } };
        assert.equal(isAccepted(arrived, counterpartOf(HMAC_KEY)), false, altered);
      }
    }
  }
});

test('no input makes the parser throw', () => {
  const piece = fc.constantFrom(
    ...[
      'sig1',
      '=',
      '(',
      ')',
      ';',
      ',',
      ' ',
      '\t',
      ':',
      '"',
      '\\',
      '?1',
      '@1',
      '%"',
      '1',
      '-',
      '.',
      '*',
      'é',
    ],
    ...['"@method"', '"@path"', 'created=1', 'nonce="AAECAwQFBgcICQoLDA0ODw"', 'keyid="a"', 'alg="ed25519"'],
  );
  const field = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
  );
  const headers = fc.dictionary(
    fc.constantFrom('signature-input', 'signature', ...SIGNED_HEADERS),
    fc.array(field, { maxLength: 2 }),
  );
  fc.assert(
    fc.property(headers, fc.string(), fc.uint8Array({ maxLength: 40 }), (carried, path, bodySha256) => {
      const arrived = { method: 'GET', path, query: '', headers: carried, bodySha256 };
      assert.equal(isAccepted(arrived, counterpartOf(HMAC_KEY)), false);
    }),
    { numRuns: 2000 },
  );
});

test('the client refuses to sign what could not be verified', () => {
  const [request = assert.fail()] = fc.sample(unsigned, 1);
  const wrong: readonly Partial<UnsignedRequest>[] = [
    { nonce: 'short' },
    { created: 1.5 },
    { created: -1 },
    { path: 'no-slash' },
    { query: 'no-mark' },
    { path: '/line\nbreak' },
    { headers: { 'x-room-id': '방' } },
    { key: { ...HMAC_KEY, keyId: 'with "quotes"' } },
  ];
  for (const change of wrong) assert.throws(() => signRequest({ ...request, ...change }), TypeError);
});
