// Another library verifies what we sign, and signs what we verify: the profile is plain RFC 9421.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSigner, createVerifier, httpbis } from 'http-message-signatures';
import { type SigningKey, signRequest } from '../../clients/typescript/src/signature.ts';
import { sha256Of, splitTarget } from '../../src/signatures/index.ts';
import { unsignedRequests as requests } from './random-requests.ts';
import { counterpartOf, isAccepted, receive } from './signed-requests.ts';

const ORIGIN = 'https://ppuri.example';
/** The library's checker of what a key signs. */
function theirVerifierOf(key: SigningKey) {
  if (key.kind === 'hmac-sha256') return createVerifier(Buffer.from(key.secret), key.kind);
  return createVerifier(createPublicKey(key.privateKey), key.kind);
}

/** The library's signer with a key. */
function theirSignerOf(key: SigningKey) {
  const material = key.kind === 'hmac-sha256' ? Buffer.from(key.secret) : key.privateKey;
  return createSigner(material, key.kind, key.keyId);
}

test('it accepts what we sign, and refuses it altered', async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const { method, path, query, headers, key } = request;
      const isLetInByThem = (userId: string | undefined) =>
        httpbis.verifyMessage(
          {
            keyLookup: async ({ keyid, alg }) => {
              assert.deepEqual([keyid, alg], [key.keyId, key.kind]);
              return { id: key.keyId, algs: [key.kind], verify: theirVerifierOf(key) };
            },
            requiredFields: ['@method', '@path', '@query', ...Object.keys(headers)],
            requiredParams: ['created', 'nonce', 'keyid', 'alg'],
          },
          {
            method,
            url: `${ORIGIN}${path}${query}`,
            headers: { ...headers, ...(userId && { 'x-user-id': userId }), ...signRequest(request) },
          },
        );
      assert.equal(await isLetInByThem(headers['x-user-id']), true);
      if (headers['x-user-id'] === undefined) return;
      assert.equal(await isLetInByThem(`${headers['x-user-id']}0`), false);
    }),
  );
});

test('we accept what it signs, and refuse it altered', async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const { method, path, query, body, key, created, nonce } = request;
      const digest = `sha-256=:${sha256Of(body).toString('base64')}:`;
      const headers = { ...request.headers, ...(body.length > 0 && { 'content-digest': digest }) };
      const url = `${ORIGIN}${path}${query}`;
      const signed = await httpbis.signMessage(
        {
          key: theirSignerOf(key),
          fields: ['@method', '@path', '@query', ...Object.keys(headers)],
          params: ['created', 'nonce', 'keyid', 'alg'],
          paramValues: { created: new Date(created * 1000), nonce },
        },
        { method, url, headers },
      );
      const carried = Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]);
      const target = splitTarget(url.slice(ORIGIN.length));
      const arrived = { ...receive(request, Object.fromEntries(carried)), ...target };
      assert.ok(isAccepted(arrived, counterpartOf(key)));
      assert.equal(isAccepted({ ...arrived, path: `${path}x` }, counterpartOf(key)), false);
    }),
  );
});
