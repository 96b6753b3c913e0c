// gRPC from Go and by grpcurl, as docs/clients.md shows it: the commands and programs of that page, run as they are.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { GO_ENV } from '../../../scripts/ops/install.ts';
import { blocksOf } from '../../clients/documented.ts';
import { mustRun } from '../../must-run.ts';
import { type Stack, startStack } from '../../stack.ts';
import { goTools } from './tools.ts';

const PAGE = 'docs/clients.md';
const ROOT = join(import.meta.dirname, '..', '..', '..');
const [ANNA, BEN] = [1001, 1002];

let stack: Stack;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-clients-'));
  stack = await startStack();
  await stack.addUsers([ANNA, BEN]);
  await stack.fund([ANNA], 100_000);
});
after(async () => {
  rmSync(folder, { recursive: true });
  await stack.stop();
});

/** The one block of the page that has a text in it. */
function block(language: string, text: string): string {
  const found = blocksOf(PAGE, language).filter((body) => body.includes(text));
  assert.equal(found.length, 1, `${PAGE} has ${found.length} blocks of ${language} with ${text}`);
  return found[0] ?? '';
}

/** A folder with the scripts of a clone, in which a page's commands run; they install nothing, for it is there. */
function workFolder(name: string): string {
  const place = join(folder, name);
  mkdirSync(place);
  for (const path of ['package.json', 'package-lock.json']) cpSync(join(ROOT, path), join(place, path));
  for (const path of ['scripts', 'node_modules', 'proto', 'src'])
    symlinkSync(join(ROOT, path), join(place, path));
  return place;
}

function environment(...bins: string[]): NodeJS.ProcessEnv {
  assert.ok(stack.key.kind === 'hmac-sha256');
  return {
    ...process.env,
    ...GO_ENV,
    PATH: [...bins, process.env.PATH].join(delimiter),
    PPURI_GRPC: stack.grpcAddress,
    KEY_ID: stack.key.keyId,
    SECRET: Buffer.from(stack.key.secret).toString(),
    USER_ID: `${ANNA}`,
  };
}

const without = (commands: string, pattern: RegExp) =>
  commands
    .split('\n')
    .filter((line) => !pattern.test(line))
    .join('\n');

test('Go: the protos compile, and the program moves money', { skip: goTools.skip }, async () => {
  const place = workFolder('go');
  const env = environment(goTools.path);
  const module = readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8');
  const commands = block('sh', 'go mod init');
  // What go would fetch is here, pinned by its hash.
  writeFileSync(join(place, 'go.mod'), module.replace('ppuri.test/ops/clients', 'example.com/you'));
  cpSync(join(import.meta.dirname, 'go.sum'), join(place, 'go.sum'));
  await mustRun('sh', ['-ec', without(commands, /^go (?:install|mod) /)], { cwd: place, env });
  writeFileSync(join(place, 'main.go'), block('go', 'package main'));
  await mustRun('go', ['vet', '.', './gen/...'], { cwd: place, env });
  assert.match(await mustRun('go', ['run', '.'], { cwd: place, env }), /^\d+ KRW left$/m);
});

test('grpcurl: by the descriptor, without reflection', { skip: goTools.skip }, async () => {
  const [functions = ''] = blocksOf('docs/signing.md', 'sh');
  const script = `${functions}\n${block('sh', 'grpcurl')}`;
  const place = workFolder('grpcurl');
  symlinkSync(join(ROOT, 'gen'), join(place, 'gen'));
  const answer = await mustRun('sh', ['-ec', script], { cwd: place, env: environment(goTools.path) });
  assert.equal(JSON.parse(answer).wallets[0].userId, `${ANNA}`);
});
