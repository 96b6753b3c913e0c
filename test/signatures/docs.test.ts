// The code blocks of docs/signing.md, run as they are, send calls that are accepted.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { signRequest } from '../../clients/typescript/src/signature.ts';
import {
  parseSignature,
  type SignedRequest,
  sha256Of,
  splitTarget,
  type VerifyingKey,
  verifySignature,
} from '../../src/signatures/index.ts';

const PAGE = readFileSync(new URL('../../docs/signing.md', import.meta.url), 'utf8');
const KEY_ID = 'ppk_test_docs';
// A secret of any characters must do, in a shell too.
const SECRET = '-se"cret $HOME `id` \\ 뿌리기';

/** The page's blocks of a language, in their order, as one script. */
function scriptOf(language: string): string {
  return [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))]
    .map(([, code]) => code)
    .join('\n');
}

/** Why the tools that a test needs are not all here, or false. With CI=true they have to be. */
function lacking(...tools: readonly string[]): string | false {
  const missing = tools.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing.length === 0) return false;
  if (process.env.CI === 'true') throw new Error(`not here: ${missing.join(', ')}`);
  console.error(`!!! ${missing.join(', ')} cannot be had here: docs/signing.md is NOT tested.`);
  return `${missing.join(', ')} cannot be had here`;
}

async function receive(request: IncomingMessage): Promise<SignedRequest> {
  const body = Buffer.concat(await request.toArray());
  const { method = '', url = '', headersDistinct } = request;
  return { method, ...splitTarget(url), headers: headersDistinct, bodySha256: sha256Of(body) };
}

/** A server in place of ppuri that answers each call with what it found, as `ed25519 GET /path 1001`. */
async function startChecker(t: TestContext, folder: string): Promise<string> {
  const seenNonces = new Set<string>();
  const find = (request: SignedRequest) => {
    const parsed = parseSignature(request);
    if ('fault' in parsed) return `refused: ${parsed.fault}`;
    const key: VerifyingKey =
      parsed.alg === 'ed25519'
        ? { kind: 'ed25519', publicKey: createPublicKey(readFileSync(join(folder, 'key.pem'))) }
        : { kind: 'hmac-sha256', secret: Buffer.from(SECRET) };
    const { keyId, nonce, created, alg } = parsed;
    if (seenNonces.has(nonce) || Math.abs(Date.now() / 1000 - created) > 5) return 'refused: not fresh';
    seenNonces.add(nonce);
    if (keyId !== KEY_ID || !verifySignature(parsed, key)) return 'refused: wrong signature';
    return `${alg} ${request.method} ${request.path}${request.query} ${request.headers['x-user-id']}`;
  };
  const server = createServer(async (request, response) => response.end(`${find(await receive(request))}\n`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

/** Runs a program in a folder of its own, and gives what it wrote. */
async function run(t: TestContext, program: string, args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const PPURI = await startChecker(t, folder);
  const { PATH } = process.env;
  const env = { PATH, KEY_ID, SECRET, PPURI, LC_ALL: 'C.UTF-8' };
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env, timeout: 60_000 });
  return stdout;
}

const CALLS = [
  'GET /api/v1/wallet/balance 1001',
  'GET /api/v1/wallet/transactions?page_size=10 1001',
  'POST /api/v1/wallet/transfer 1001',
].map((call) => `hmac-sha256 ${call}`);

test('curl and openssl', { skip: lacking('sh', 'curl', 'openssl') }, async (t) => {
  const lines = (await run(t, 'sh', ['-euc', scriptOf('sh')])).trimEnd().split('\n');
  assert.deepEqual(
    lines.filter((line) => /^(hmac|ed25519|refused)/.test(line)),
    [...CALLS, 'ed25519 GET /api/v1/wallet/balance 1001'],
  );
  assert.ok(lines.includes('-----BEGIN PUBLIC KEY-----'));
});

test('Python', { skip: lacking('python3') }, async (t) => {
  const lines = (await run(t, 'python3', ['-c', scriptOf('python')])).split('\n');
  assert.deepEqual(
    lines.filter((line) => line !== ''),
    CALLS,
  );
});

/** Builds the page's Go program, changed where a test checks what a line of it is good for. */
async function buildGo(t: TestContext, change = (code: string) => code): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'main.go'), change(scriptOf('go')));
  const program = join(folder, 'program');
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, GOTOOLCHAIN: 'local', GOPROXY: 'off', GOFLAGS: '', CGO_ENABLED: '0' };
  await promisify(execFile)('go', ['build', '-o', program, 'main.go'], {
    cwd: folder,
    env,
    timeout: 300_000,
  });
  return program;
}

test('Go', { skip: lacking('go') }, async (t) => {
  const lines = (await run(t, await buildGo(t), [])).split('\n');
  assert.deepEqual(
    lines.filter((line) => line !== ''),
    CALLS.filter((call) => !call.includes('transactions')),
  );
});

/** Runs the program against a server that takes a payment and breaks the connection instead of answering; the nonces it sees. */
async function noncesOfBrokenPayment(t: TestContext, program: string): Promise<(string | undefined)[]> {
  const nonces: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    await request.toArray();
    if (request.method === 'GET') return response.end('{}');
    nonces.push(/nonce="([^"]+)"/.exec(String(request.headers['signature-input']))?.[1]);
    return nonces.length === 1 ? request.socket.destroy() : response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as { port: number };
  const env = { PATH: process.env.PATH, KEY_ID, SECRET, PPURI: `http://127.0.0.1:${port}` };
  await promisify(execFile)(program, [], { env, timeout: 60_000 });
  return nonces;
}

test('the Go program does not retry a payment by itself', { skip: lacking('go') }, async (t) => {
  assert.equal((await noncesOfBrokenPayment(t, await buildGo(t))).length, 1);
});

test('negative control: with Set and GetBody, Go sends the same signature twice', {
  skip: lacking('go'),
}, async (t) => {
  const program = await buildGo(t, (code) =>
    code
      .replace('request.Header[pair[0]] = []string{pair[1]}', 'request.Header.Set(pair[0], pair[1])')
      .replace('request.GetBody = nil', ''),
  );
  const [first, second] = await noncesOfBrokenPayment(t, program);
  assert.ok(first !== undefined && first === second);
});

test('the test vectors are what the client signs', () => {
  const key = { keyId: 'ppk_test_vector', kind: 'hmac-sha256', secret: Buffer.from('not a secret') } as const;
  const rows = [...PAGE.matchAll(/^\| .*`(GET|POST) (\/\S+)` \| (.*) \|(.*)\| `(\S+=)` \|$/gm)];
  assert.equal(rows.length, 3);
  for (const [, method = '', target = '', headerCell = '', bodyCell = '', expected] of rows) {
    const headers = Object.fromEntries(
      [...headerCell.matchAll(/`([\w-]+): (\S+)`/g)].map(([, ...pair]) => pair),
    );
    const [, text = ''] = /`(.+)`/.exec(bodyCell) ?? [];
    const body = Buffer.from(text, bodyCell.includes('the bytes') ? 'hex' : 'utf8');
    const { path, query } = splitTarget(target);
    const unsigned = { method, path, query, headers, body, key, created: 1_790_000_000 };
    const { signature } = signRequest({ ...unsigned, nonce: 'AAECAwQFBgcICQoLDA0ODw' });
    assert.equal(signature, `sig1=:${expected}:`, target);
  }
});
