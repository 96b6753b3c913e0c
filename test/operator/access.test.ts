// Who is let in at the operator's page and for how long, and which requests are refused, sent by anybody.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { createServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { type Stack, serverEnv, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { PlainBrowser, secretOf } from './browser.ts';

let stack: Stack;
let secret: string;
let slowClosed: Promise<unknown>;
before(async () => {
  stack = await startStack();
  secret = secretOf(hmac(stack.key));
  // Its headers never end; the server closes it while the other tests run.
  const slow = connect(stack.app.opsPort, '127.0.0.1');
  slow.on('error', () => {}).resume();
  slow.write('POST /operator/sign-in HTTP/1.1\r\nhost: a\r\n');
  slowClosed = new Promise((closed) => slow.once('close', closed));
});
after(() => stack.stop());

type HmacKey = { readonly keyId: string; readonly secret: Uint8Array };
const hmac = (key: object) => key as HmacKey;
const browser = () => new PlainBrowser(stack.app.opsPort);

async function signedIn(key: object = stack.key): Promise<PlainBrowser> {
  const own = browser();
  const { keyId } = hmac(key);
  const answer = await own.signIn(keyId, secretOf(hmac(key)));
  assert.deepEqual([answer.status, answer.location], [303, '/operator'], answer.text);
  return own;
}

/** A new key, which the server knows once it has answered. */
async function newKey(wish: Readonly<Record<string, unknown>>): Promise<HmacKey> {
  const request = { display_name: 'a test', kind: 'API_KEY_KIND_HMAC_SHA256', ...wish };
  const made = await stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', request);
  assert.equal(made.status, 0, `${made.reason} ${made.fields}`);
  return { keyId: String(made.at('api_key', 'key_id')), secret: Buffer.from(String(made.body.secret)) };
}

test('without a session every page leads to the one to sign in, which says nothing of others', async () => {
  for (const path of [
    '/operator',
    '/operator/',
    '/operator/keys',
    '/operator/nothing',
    '/operator/audit?key=x',
  ]) {
    const answer = await browser().ask(path);
    assert.deepEqual([answer.status, answer.location], [303, '/operator/sign-in'], path);
  }
  const page = await browser().ask('/operator/sign-in');
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /script|nav aria/);
  assert.equal((await browser().ask('/operatorx')).status, 404);
});

test('the cookie is of this page alone, and over TLS of this host alone', async () => {
  const own = browser();
  const plain = await own.signIn(stack.key.keyId, secret);
  assert.match(
    String(plain.headers['set-cookie']),
    /^ppuri-operator=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/operator$/,
  );
  const tls = await own.signIn(stack.key.keyId, secret, { headers: { 'x-forwarded-proto': 'https' } });
  assert.match(
    String(tls.headers['set-cookie']),
    /^__Host-ppuri-operator=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Secure$/,
  );
});

test('every answer keeps scripts, frames, caches and other sites out', async () => {
  const own = await signedIn();
  const answers = [
    await own.ask('/operator'),
    await own.ask('/operator/style.css'),
    await own.ask('/operator/nothing'),
    await own.ask('/operator', { method: 'PUT' }),
    await browser().ask('/operator'),
    await own.post('/operator/acts/pause-job', {}, { headers: { origin: 'https://stranger.example' } }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 404, 405, 303, 403],
  );
  for (const { headers } of answers) {
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /^default-src 'none'; style-src 'self'; .*frame-ancestors 'none'$/);
    assert.doesNotMatch(policy, /script|unsafe|http/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['referrer-policy'], 'same-origin');
  }
});

test('a session that was there before signing in is not taken over, and ends', async () => {
  const own = await signedIn();
  const before = own.cookie;
  await own.signIn(stack.key.keyId, secret);
  assert.notEqual(own.cookie, before);
  own.cookie = before;
  assert.equal((await own.ask('/operator')).status, 303);
  const fixed = browser();
  fixed.cookie = `ppuri-operator=${'a'.repeat(43)}`;
  await fixed.signIn(stack.key.keyId, secret);
  assert.notEqual(fixed.cookie, `ppuri-operator=${'a'.repeat(43)}`);
});

test('signing out ends the session, not only the cookie', async () => {
  const own = await signedIn();
  const { cookie } = own;
  const fields = { form_token: (await own.fieldsOf('/operator/acts/start-drill')).form_token ?? '' };
  const answer = await own.post('/operator/sign-out', fields);
  assert.deepEqual([answer.status, answer.location, own.cookie], [303, '/operator/sign-in', '']);
  own.cookie = cookie;
  assert.equal((await own.ask('/operator')).location, '/operator/sign-in?ended');
});

test('a revoked key ends its sessions at once', async () => {
  const key = await newKey({ scopes: ['SCOPE_ADMIN'] });
  const own = await signedIn(key);
  assert.equal((await own.ask('/operator/keys')).status, 200);
  await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: key.keyId });
  const answer = await own.ask('/operator/keys');
  assert.deepEqual([answer.status, answer.location], [303, '/operator/sign-in?ended']);
  assert.equal((await own.signIn(key.keyId, secretOf(key))).status, 403);
});

test('Redis has neither tokens nor what makes a session', async () => {
  const own = await signedIn();
  const token = own.cookie.split('=')[1] ?? '';
  const redis = new Redis(stack.config.redis.url);
  try {
    const nameOf = (text: string) =>
      `ppuri:operator-session:${createHash('sha256').update(text).digest('base64url')}`;
    const entry = (await redis.get(nameOf(token))) ?? '';
    assert.ok(entry.startsWith(stack.key.keyId) && !entry.includes(token));
    assert.deepEqual(await redis.keys(`*${token}*`), []);
    // Somebody who may write to Redis copies the entry of another session under a token of their own.
    const forged = 'b'.repeat(43);
    await redis.set(nameOf(forged), entry);
    const stranger = browser();
    stranger.cookie = `ppuri-operator=${forged}`;
    assert.equal((await stranger.ask('/operator')).status, 303);
    await redis.del(nameOf(forged));
  } finally {
    redis.disconnect();
  }
});

test('keys of programs, of one user and from elsewhere do not sign in; one that only reads does, and sees that', async () => {
  const wishes = [
    { scopes: ['SCOPE_READ', 'SCOPE_PAY'] },
    { scopes: ['SCOPE_READ'], user_id: '77' },
    { scopes: ['SCOPE_ADMIN'], allowed_networks: ['10.0.0.0/8'] },
  ] as const;
  for (const wish of wishes) {
    const key = await newKey(wish);
    const answer = await browser().signIn(key.keyId, secretOf(key));
    assert.equal(answer.status, 403, JSON.stringify(wish.scopes));
    assert.match(answer.text, /may not sign in/);
  }
  const reader = await signedIn(await newKey({ scopes: ['SCOPE_READ'] }));
  assert.equal((await reader.ask('/operator')).status, 200);
  for (const path of [
    'keys',
    'audit',
    'dead-letters',
    'recovery',
    'webhooks',
    'acts/pause-job?target=purge-keys',
  ]) {
    assert.equal((await reader.ask(`/operator/${path}`)).status, 403, path);
  }
  const admin = await signedIn(await newKey({ scopes: ['SCOPE_ADMIN'] }));
  assert.equal((await admin.ask('/operator/keys')).status, 200);
  const wallet = crypto.randomUUID();
  assert.equal((await admin.ask(`/operator/wallets/${wallet}`)).status, 403);
  assert.match((await admin.ask(`/operator/search?q=${wallet}`)).text, /were not searched/);
});

test('a form of another site, of another session or of no page is refused, and nothing is done', async () => {
  const own = await signedIn();
  const path = '/operator/acts/pause-job';
  const fields = { ...(await own.fieldsOf(`${path}?target=purge-keys`)), reason: 'a test' };
  const other = await (await signedIn()).fieldsOf(`${path}?target=purge-keys`);
  const attempts = [
    [fields, { origin: 'https://stranger.example' }],
    [fields, { origin: 'null' }],
    [fields, { 'sec-fetch-site': 'same-site' }],
    [fields, { 'sec-fetch-site': 'cross-site' }],
    [{ ...fields, form_token: other.form_token ?? '' }, {}],
    [{ ...fields, form_token: '' }, {}],
  ] as const;
  for (const [body, headers] of attempts) {
    assert.equal((await own.post(path, body, { headers })).status, 403, JSON.stringify(headers));
  }
  const body = new URLSearchParams(fields).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await own.ask(path, { method: 'POST', body, headers: type })).status, 403);
  const origin = { origin: `http://${own.host}` };
  assert.equal(
    (await own.post(path, fields, { headers: { ...origin, 'content-type': 'text/plain' } })).status,
    415,
  );
  assert.equal((await browser().post(path, fields)).status, 303);
  const { rows } = await stack.db.query(
    `SELECT FROM job_states WHERE job = 'purge-keys' AND paused_at IS NOT NULL`,
  );
  assert.equal(rows.length, 0);
});

test('large forms, slow requests and odd texts are refused, and nothing falls over', async () => {
  const own = await signedIn();
  const large = await own.post('/operator/acts/pause-job', { reason: 'a'.repeat(1_000_000) }).then(
    ({ status }) => status,
    () => 'closed',
  );
  assert.ok(large === 413 || large === 'closed', String(large));
  const odd = [
    '//',
    '/operator/%00',
    '/operator/%zz',
    '/operator/wallets/%2e%2e',
    '/operator/users/99999999999999999999',
  ];
  for (const path of odd) assert.equal((await own.ask(path)).status, 404, path);
  for (const text of ['%00', 'a%0d%0aset-cookie:x=1', 'a'.repeat(5_000), '%E2%80%AEabc', '%ff']) {
    const answer = await own.ask(`/operator/search?q=${text}`);
    assert.ok(answer.status === 400 || answer.status === 404, `${text.slice(0, 30)}: ${answer.status}`);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
  for (const query of ['key=%00', 'target=%00a&request=%00', 'after=-1', `after=${'9'.repeat(30)}`]) {
    assert.equal((await own.ask(`/operator/audit?${query}`)).status, 200, query);
  }
  const short = connect(stack.app.opsPort, '127.0.0.1');
  const head = `POST /operator/sign-in HTTP/1.1\r\nhost: ${own.host}\r\norigin: http://${own.host}\r\n`;
  short.write(`${head}content-type: application/x-www-form-urlencoded\r\ncontent-length: 99\r\n\r\nkey_id=a`);
  short.end();
  await new Promise((closed) => short.resume().once('close', closed));
  await slowClosed;
  assert.equal((await own.ask('/operator')).status, 200);
});

test('wrong secrets cost their address, and leave a line without any secret', async () => {
  const from = '127.0.0.7';
  const guess = `guess-${crypto.randomUUID()}`;
  let wrong = 0;
  const throttled = await until('the address has to wait', async () => {
    const keyId = wrong++ % 2 === 0 ? stack.key.keyId : `ppk_live_${'c'.repeat(30)}`;
    const answer = await browser().signIn(keyId, guess, { from });
    if (answer.status === 429) return answer;
    assert.equal(answer.status, 403);
    return undefined;
  });
  assert.ok(wrong > 10 && Number(throttled.headers['retry-after']) > 0);
  await signedIn();
  // What is no key id may be a secret in the wrong field.
  await browser().signIn(`secret\0${guess}`, guess, { from: '127.0.0.8' });
  const rows = await until('lines of strangers', async () => {
    const found = await stack.db.query(
      `SELECT * FROM audit_acts WHERE outcome = 'unauthenticated' AND client_address IN ('127.0.0.7', '127.0.0.8')`,
    );
    return found.rows.some(({ client_address }) => client_address === '127.0.0.8') ? found.rows : undefined;
  });
  assert.ok(rows.every(({ rpc }) => rpc === 'operator-page/sign-in'));
  const logs = ['app.log', 'audit.log'].map((name) => readFileSync(join(stack.logDir, name), 'utf8'));
  // Nor is what strangers break off an error.
  assert.ok(!logs.some((text) => text.includes('a page for operators failed')));
  for (const text of [JSON.stringify(rows), ...logs])
    assert.ok(!text.includes(guess) && !text.includes(secret));
});

test('without the login for admin.v1 there is no page, nor where it is switched off', async () => {
  const { ADMIN_DATABASE_URL: admin = '', ...env } = serverEnv(stack.database, stack.logDir);
  for (const settings of [env, { ...env, ADMIN_DATABASE_URL: admin, OPERATOR_PAGE: 'false' }]) {
    const server = await createServerProgram(readServerConfig({ ...settings, LOG_DIR: '' }));
    const answer = await new PlainBrowser(server.opsPort).ask('/operator/sign-in');
    await server.stop();
    assert.equal(answer.status, 404);
  }
});
