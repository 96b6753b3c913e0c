// What a receiver takes: our helper and the published library for Standard Webhooks judge the same requests alike.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { verifyWebhook, WebhookVerificationError } from '../../clients/typescript/src/webhook.ts';
import { type SignatureCase, signatureCases } from './signature-cases.ts';

describe('a request', () => {
  for (const [index, { name, isRight }] of signatureCases().entries())
    test(`${name} is ${isRight ? 'taken' : 'refused'}`, () => {
      // Signed now, because the library goes by the clock: files that run before this one are loaded together with it.
      const { headers, body, keys, now, isForLibraries } = signatureCases()[index] as SignatureCase;
      const ours = () => verifyWebhook(headers, body, keys, { now: now * 1000 });
      if (isRight) assert.deepEqual(ours(), JSON.parse(body));
      else assert.throws(ours, WebhookVerificationError);
      if (!isForLibraries) return;
      const library = () => new Webhook(keys[0] ?? '').verify(body, { ...headers });
      if (isRight) assert.deepEqual(library(), JSON.parse(body));
      else assert.throws(library);
    });
});

test('headers come from node:http or from fetch, and the body as bytes or as text', () => {
  const [right] = signatureCases();
  assert.ok(right);
  const { headers, body, keys } = right;
  for (const given of [headers, new Headers(headers)])
    for (const sent of [body, Buffer.from(body)])
      assert.equal(verifyWebhook(given, sent, keys).specversion, '1.0');
  const twice = { ...headers, 'webhook-id': [headers['webhook-id'] ?? '', 'another'] };
  assert.throws(() => verifyWebhook(twice, body, keys), WebhookVerificationError);
});

test('a key that is none is a mistake of the receiver, and tells nothing of the request', () => {
  assert.throws(() => verifyWebhook({}, '', 'secret'), TypeError);
  assert.throws(() => verifyWebhook({}, '', 'whpk_AAAA'), TypeError);
});
