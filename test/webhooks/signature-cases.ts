// Requests to a webhook, right and wrong ones, which the helpers of both clients judge alike.
import {
  drawWebhookKeys,
  openWebhookKeys,
  sealWebhookKeys,
  signedHeaders,
} from '../../src/webhooks/index.ts';
import { SEALING_KEY } from '../keys.ts';

/** One request, and whether a receiver takes it. */
export interface SignatureCase {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly keys: readonly string[];
  /** In seconds since 1970. */
  readonly now: number;
  readonly isRight: boolean;
  /** Whether a library for Standard Webhooks that knows `v1` alone judges it alike, by the clock of the machine. */
  readonly isForLibraries: boolean;
}

const ID = '0199f0c1-8c6e-7d3a-9b1e-2f6a4c8d0e11';
const OTHER_ID = '0199f0c1-8c6e-7d3a-9b1e-2f6a4c8d0e12';
const BODY = JSON.stringify({
  specversion: '1.0',
  id: ID,
  type: 'transfer.posted',
  data: { memo: '점심 “값”\u2028' },
});

/** A webhook's keys, drawn, sealed and opened. */
function newKeys() {
  const { publicKey, secret, privateKey } = drawWebhookKeys();
  const sealed = sealWebhookKeys([SEALING_KEY], ID, { secret, privateKey });
  return { secret, publicKey, signer: openWebhookKeys([SEALING_KEY], ID, sealed) };
}

/** Every case. */
export function signatureCases(): SignatureCase[] {
  const [ours, old, strangers] = [newKeys(), newKeys(), newKeys()];
  const now = Math.floor(Date.now() / 1000);
  const sign = (seconds: number, body = BODY, signers = [ours.signer]) =>
    signedHeaders(ID, seconds * 1000, body, signers);
  const headers = sign(now);
  const [v1 = '', v1a = ''] = headers['webhook-signature']?.split(' ') ?? [];
  const withSignature = (signature: string) => ({ ...headers, 'webhook-signature': signature });
  const changed = (text: string) => text.replace(/.(?=.{9}$)/, (letter) => (letter === 'A' ? 'B' : 'A'));
  const judge =
    (isRight: boolean, isForLibraries = true) =>
    (name: string, change: Partial<SignatureCase> = {}): SignatureCase => ({
      ...{ name, headers, body: BODY, keys: [ours.secret], now, isRight, isForLibraries },
      ...change,
    });
  const right = judge(true);
  const ownRight = judge(true, false);
  const wrong = judge(false);
  const ownWrong = judge(false, false);
  const without = (name: string) =>
    Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name));
  return [
    right('by its secret'),
    ownRight('by its public key', { keys: [ours.publicKey] }),
    ownRight('by one of several keys', { keys: [strangers.secret, ours.publicKey, old.secret] }),
    right('while the secret is replaced, by the new one', {
      headers: sign(now, BODY, [ours.signer, old.signer]),
    }),
    right('while the secret is replaced, by the old one', {
      headers: sign(now, BODY, [ours.signer, old.signer]),
      keys: [old.secret],
    }),
    right('behind a wrong signature and one of a scheme to come', {
      headers: withSignature(`v9,abcd ${changed(v1)} ${v1}`),
    }),
    right('4 minutes old', { headers: sign(now - 240) }),
    right('4 minutes ahead', { headers: sign(now + 240) }),
    wrong('6 minutes old, as a replay is', { headers: sign(now - 360) }),
    wrong('6 minutes ahead', { headers: sign(now + 360) }),
    wrong('an old one with a new timestamp', {
      headers: { ...sign(now - 360), 'webhook-timestamp': String(now) },
    }),
    wrong('with the id of another event', { headers: { ...headers, 'webhook-id': OTHER_ID } }),
    wrong('with another body', { body: BODY.replace('1.0', '1.1') }),
    wrong('with a space more in its body', { body: `${BODY} ` }),
    wrong("by a stranger's secret", { headers: sign(now, BODY, [strangers.signer]) }),
    wrong('with a changed signature', { headers: withSignature(changed(v1)) }),
    wrong('with half of a signature', { headers: withSignature(v1.slice(0, 20)) }),
    wrong('with an empty signature', { headers: withSignature('v1,') }),
    wrong('with the public signature as the secret one', {
      headers: withSignature(v1a.replace('v1a', 'v1')),
    }),
    ownWrong('with the secret signature as the public one', {
      headers: withSignature(v1.replace('v1', 'v1a')),
      keys: [ours.publicKey],
    }),
    ownWrong('with a changed public signature', {
      headers: withSignature(changed(v1a)),
      keys: [ours.publicKey],
    }),
    ownWrong("by a stranger's key", { headers: sign(now, BODY, [strangers.signer]), keys: [ours.publicKey] }),
    ownWrong('without a known key', { keys: [] }),
    ownWrong('with a timestamp that is no number', {
      headers: { ...headers, 'webhook-timestamp': `${now}x` },
    }),
    ownWrong('with a body that is no event', { headers: sign(now, '[1]'), body: '[1]' }),
    ...['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
      wrong(`without ${name}`, { headers: without(name) }),
    ),
  ];
}
