// Every way in which a signature can be refused before its key is used, and what other signers may do differently.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signBase, signRequest, type UnsignedRequest } from '../../clients/typescript/src/signature.ts';
import { parseSignature, type SignatureFault, type SignedRequest } from '../../src/signatures/index.ts';
import { COMPONENTS } from '../../src/signatures/profile.ts';
import { componentOf, lineOf, signatureBaseOf } from '../../src/signatures/signature-base.ts';
import {
  counterpartOf,
  HMAC_KEY,
  isAccepted,
  NONCE,
  receive,
  signAndReceive,
  TRANSFER,
} from './signed-requests.ts';

const SIGNED = signRequest(TRANSFER);
const INPUT = SIGNED['signature-input'];
const { signature: SIGNATURE, 'content-digest': DIGEST = '' } = SIGNED;
const BYTES = SIGNATURE.slice('sig1='.length);
const WHOLE = '"@method" "@path" "@query" "content-digest" "x-user-id" "x-room-id" "idempotency-key"';
const PARAMETERS = `;created=1790000000;nonce="${NONCE}";keyid="ppk_test_hmac";alg="hmac-sha256"`;

/** What is found in the request, signed and then with these headers put in place of its own. */
function faultOf(headers: object, request: UnsignedRequest = TRANSFER): SignatureFault | 'none' {
  const parsed = parseSignature(receive(request, { ...SIGNED, ...headers }));
  return 'fault' in parsed ? parsed.fault : 'none';
}

test('the request that all rows alter is valid', () => {
  assert.equal(INPUT, `sig1=(${WHOLE})${PARAMETERS}`);
  assert.equal(faultOf({}), 'none');
  assert.ok(isAccepted(signAndReceive(TRANSFER), counterpartOf(HMAC_KEY)));
});

const INPUTS: Readonly<Record<string, readonly [input: string, fault: SignatureFault]>> = {
  empty: ['', 'malformed-input'],
  'not a dictionary': ['"sig1"', 'malformed-input'],
  'no list': ['sig1', 'malformed-input'],
  'a text for a list': ['sig1="@method"', 'malformed-input'],
  'a list that does not end': [`sig1=(${WHOLE}`, 'malformed-input'],
  'two signatures': [`${INPUT}, sig2=(${WHOLE})${PARAMETERS}`, 'malformed-input'],
  'the same label twice': [`${INPUT}, ${INPUT}`, 'malformed-input'],
  'a comma at the end': [`${INPUT},`, 'malformed-input'],
  'words after it': [`${INPUT} x`, 'malformed-input'],
  'too long': [`sig1=(${WHOLE}${' '.repeat(1024)})${PARAMETERS}`, 'malformed-input'],
  'no space between components': [`sig1=(${WHOLE.replace('" "', '""')})${PARAMETERS}`, 'malformed-input'],
  'a tab between components': [`sig1=(${WHOLE.replace(' ', '\t')})${PARAMETERS}`, 'malformed-input'],
  'not ASCII': [INPUT.replace('ppk', 'é'), 'malformed-input'],
  'another label': [INPUT.replace('sig1', 'sig2'), 'labels-differ'],
  'nothing covered': [`sig1=()${PARAMETERS}`, 'coverage'],
  'an unknown component': [INPUT.replace('"@query"', '"@query" "@authority"'), 'coverage'],
  'an unknown component in the place of one': [INPUT.replace('"@query"', '"@authority"'), 'coverage'],
  'a component twice': [INPUT.replace('"@query"', '"@query" "@query"'), 'coverage'],
  'a component twice, for another': [INPUT.replace('"@path"', '"@query"'), 'coverage'],
  'a component in capitals': [INPUT.replace('"x-user-id"', '"X-User-Id"'), 'coverage'],
  'a component that is a word': [INPUT.replace('"x-user-id"', 'x-user-id'), 'coverage'],
  'a component with a parameter': [INPUT.replace('"@path"', '"@path";req'), 'coverage'],
  'a header taken as bytes': [INPUT.replace('"x-user-id"', '"x-user-id";bs'), 'coverage'],
  'no method': [INPUT.replace('"@method" ', ''), 'coverage'],
  'no path': [INPUT.replace('"@path" ', ''), 'coverage'],
  'no query': [INPUT.replace('"@query" ', ''), 'coverage'],
  'no digest': [INPUT.replace('"content-digest" ', ''), 'coverage'],
  'no user': [INPUT.replace('"x-user-id" ', ''), 'coverage'],
  'no room': [INPUT.replace('"x-room-id" ', ''), 'coverage'],
  'no idempotency key': [INPUT.replace(' "idempotency-key"', ''), 'coverage'],
  'created missing': [INPUT.replace(';created=1790000000', ''), 'parameters'],
  'created as text': [INPUT.replace('1790000000', '"1790000000"'), 'parameters'],
  'created as a decimal': [INPUT.replace('1790000000', '1790000000.5'), 'parameters'],
  'created as a whole decimal': [INPUT.replace('1790000000', '1790000000.0'), 'malformed-input'],
  'created as a date': [INPUT.replace('1790000000', '@1790000000'), 'malformed-input'],
  'created with a zero before it': [INPUT.replace('1790000000', '01790000000'), 'malformed-input'],
  'created below zero': [INPUT.replace('1790000000', '-1790000000'), 'parameters'],
  'created as minus nothing': [INPUT.replace('1790000000', '-0'), 'malformed-input'],
  'created too large to be counted': [INPUT.replace('1790000000', '9'.repeat(16)), 'malformed-input'],
  'created without a value': [INPUT.replace('=1790000000', ''), 'parameters'],
  'created twice': [INPUT.replace(';created', ';created=1790000000;created'), 'malformed-input'],
  'nonce missing': [INPUT.replace(`;nonce="${NONCE}"`, ''), 'parameters'],
  'nonce too short': [INPUT.replace(NONCE, NONCE.slice(1)), 'parameters'],
  'nonce too long': [INPUT.replace(NONCE, 'n'.repeat(129)), 'parameters'],
  'nonce with a space': [INPUT.replace(NONCE, `${NONCE} `), 'parameters'],
  'nonce with a line break': [INPUT.replace(NONCE, `${NONCE}\n`), 'malformed-input'],
  'nonce with a quote': [INPUT.replace(NONCE, `${NONCE}\\"`), 'parameters'],
  'nonce as bytes': [INPUT.replace(`"${NONCE}"`, `:${NONCE}==:`), 'parameters'],
  'nonce as a word': [INPUT.replace(`"${NONCE}"`, NONCE), 'parameters'],
  'nonce twice': [INPUT.replace(';nonce', `;nonce="${NONCE}";nonce`), 'malformed-input'],
  'key id missing': [INPUT.replace(';keyid="ppk_test_hmac"', ''), 'parameters'],
  'key id empty': [INPUT.replace('ppk_test_hmac', ''), 'parameters'],
  'key id too long': [INPUT.replace('ppk_test_hmac', 'k'.repeat(65)), 'parameters'],
  'key id with a colon': [INPUT.replace('ppk_test_hmac', 'ppk:test'), 'parameters'],
  'alg missing': [INPUT.replace(';alg="hmac-sha256"', ''), 'parameters'],
  'alg unknown': [INPUT.replace('hmac-sha256', 'rsa-pss-sha512'), 'parameters'],
  'alg none': [INPUT.replace('hmac-sha256', 'none'), 'parameters'],
  'alg a name of every object': [INPUT.replace('hmac-sha256', 'constructor'), 'parameters'],
  'a promise to expire': [`${INPUT};expires=1790000060`, 'parameters'],
  'a tag': [`${INPUT};tag="x"`, 'parameters'],
};

for (const [name, [input, fault]] of Object.entries(INPUTS)) {
  test(`Signature-Input, ${name}: ${fault}`, () =>
    assert.equal(faultOf({ 'signature-input': input }), fault));
}

const SIGNATURES: Readonly<Record<string, readonly [signature: string, fault: SignatureFault]>> = {
  empty: ['', 'malformed-signature'],
  'a text': [`sig1="${BYTES}"`, 'malformed-signature'],
  'a list': [`sig1=(${BYTES})`, 'malformed-signature'],
  'with a parameter': [`${SIGNATURE};a=1`, 'malformed-signature'],
  'two of them': [`${SIGNATURE}, sig2=${BYTES}`, 'malformed-signature'],
  'the same label twice': [`sig1=:AAAA:, ${SIGNATURE}`, 'malformed-signature'],
  'no padding': [`sig1=${BYTES.replace('=:', ':')}`, 'malformed-signature'],
  'not base64': [SIGNATURE.replace('sig1=:', 'sig1=:!'), 'malformed-signature'],
  'too long': [`sig1=:${'A'.repeat(256)}:`, 'malformed-signature'],
  'another label': [`sig=${BYTES}`, 'labels-differ'],
};

for (const [name, [signature, fault]] of Object.entries(SIGNATURES)) {
  test(`Signature, ${name}: ${fault}`, () => assert.equal(faultOf({ signature }), fault));
}

const BARE: UnsignedRequest = { ...TRANSFER, body: Buffer.alloc(0) };
const OTHER_DIGEST = signRequest({ ...TRANSFER, body: Buffer.from('other') })['content-digest'] ?? '';

test('Content-Digest is required with a body, has to match it, and has to be the only digest', () => {
  const wrong = [
    '',
    OTHER_DIGEST,
    DIGEST.toUpperCase(),
    DIGEST.replace('sha-256', 'sha-512'),
    `${DIGEST}, ${DIGEST}`,
    `${DIGEST}, sha-512=:AAAA:`,
    `${DIGEST};a=1`,
    `${DIGEST.slice(0, -2)}:`,
    'sha-256',
    'sha-256=::',
  ];
  for (const digest of wrong) assert.equal(faultOf({ 'content-digest': digest }), 'content-digest', digest);
  assert.equal(faultOf({}, BARE), 'content-digest');
  assert.deepEqual(parseSignature(receive(TRANSFER, signRequest(BARE))), { fault: 'content-digest' });
});

test('a digest that is no SHA-256 matches no body', () => {
  const arrived = receive(TRANSFER, { ...SIGNED, 'content-digest': 'sha-256=::' });
  assert.deepEqual(parseSignature({ ...arrived, bodySha256: new Uint8Array() }), { fault: 'content-digest' });
});

test('a request without a body may have the covered digest of no bytes', () => {
  const digest = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';
  assert.equal(faultOf({ 'content-digest': digest }, BARE), 'none');
  assert.deepEqual(parseSignature(receive(BARE, { ...signRequest(BARE), 'content-digest': digest })), {
    fault: 'coverage',
  });
});

test('a header that is missing, repeated or not printable is refused', () => {
  const signed = signAndReceive(TRANSFER);
  const faultWith = (headers: SignedRequest['headers']) => {
    const parsed = parseSignature({ ...signed, headers: { ...signed.headers, ...headers } });
    return 'fault' in parsed ? parsed.fault : 'none';
  };
  assert.equal(faultWith({ 'signature-input': [] }), 'missing');
  assert.equal(faultWith({ signature: [] }), 'missing');
  assert.equal(faultWith({ 'signature-input': [INPUT, INPUT] }), 'repeated-header');
  assert.equal(faultWith({ signature: [SIGNATURE, SIGNATURE] }), 'repeated-header');
  assert.equal(faultWith({ 'x-user-id': ['1001', '1001'] }), 'repeated-header');
  assert.equal(faultWith({ 'content-digest': [DIGEST, DIGEST] }), 'repeated-header');
  assert.equal(faultWith({ 'x-user-id': ['1001\n"x-room-id": demo'] }), 'unprintable');
  assert.equal(faultWith({ 'x-user-id': ['\u00a01001'] }), 'unprintable');
  assert.equal(faultWith({ 'x-room-id': ['방'] }), 'unprintable');
  assert.equal(faultWith({ 'x-room-id': [] }), 'coverage');
  assert.equal(faultWith({ 'x-room-id': [''] }), 'none');
});

test('whitespace around a header is not signed, on either side', () => {
  const padded = { ...TRANSFER, headers: { ...TRANSFER.headers, 'x-room-id': ' \tdemo ' } };
  assert.ok(isAccepted(receive(TRANSFER, signRequest(padded)), counterpartOf(HMAC_KEY)));
  assert.ok(isAccepted(receive(padded, signRequest(TRANSFER)), counterpartOf(HMAC_KEY)));
});

test('order, spaces and labels may differ between signers', () => {
  const headers = Object.entries({ ...TRANSFER.headers, 'content-digest': DIGEST });
  const request = {
    ...TRANSFER,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
  };
  const names = COMPONENTS.filter((name) => componentOf(request, name) !== undefined).reverse();
  const lines = names.map((name) => lineOf(name, componentOf(request, name) ?? '')).join('');
  const list = names.map((name) => `"${name}"`);
  const parameters = PARAMETERS.split(';').slice(1).reverse();
  const params = `(${list.join(' ')});${parameters.join(';')}`;
  const signature = signBase(signatureBaseOf(lines, params), HMAC_KEY).toString('base64');
  const arrived = receive(TRANSFER, {
    'content-digest': DIGEST,
    'signature-input': ` my-own*label=(  ${list.join('  ')}  ); ${parameters.join('; ')} `,
    signature: ` my-own*label=:${signature}: `,
  });
  assert.ok(isAccepted(arrived, counterpartOf(HMAC_KEY)));
});
