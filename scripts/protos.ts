// `npm run protos -- FOLDER`: writes the contracts and everything that they import, for protoc and buf.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';
import { printValidateProto } from './contracts/print-contracts.ts';

const USAGE = `usage: npm run protos -- FOLDER [--go-package IMPORT_PATH]

Writes every .proto that a client needs into FOLDER: the contracts, buf/validate, google/api and google/rpc.
--go-package: the import path below which Go packages will be generated (default example.com/ppuri).`;

const ROOT = resolve(import.meta.dirname, '..');

await runCli(main);

function main(): void {
  const { values, positionals } = readCommandLine(USAGE, {
    'go-package': { type: 'string', default: 'example.com/ppuri' },
  });
  const [folder] = positionals;
  if (folder === undefined || positionals.length > 1) throw new SetupError(USAGE);
  const scratch = mkdtempSync(join(tmpdir(), 'ppuri-protos-'));
  try {
    printValidateProto(ROOT, scratch);
    const written = exportTo(resolve(folder), scratch, values['go-package']);
    console.log(`${written} files in ${folder}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Copies the files that the descriptor set lists, except Protobuf's own, which every compiler has. */
function exportTo(target: string, inner: string, goPackage: string): number {
  const exported = join(inner, 'exported');
  run(['export', '.', '--output', exported]);
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(join(ROOT, 'gen', 'descriptor.binpb')));
  const names = [...createFileRegistry(set).files]
    .map(({ proto }) => proto.name)
    .filter((name) => !name.startsWith('google/protobuf/'));
  for (const name of names) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(
      join(target, name),
      withGoPackage(name, readFileSync(join(exported, name), 'utf8'), goPackage),
    );
  }
  return names.length;
}

/** Adds go_package, which protoc-gen-go needs and the contracts do not have. */
function withGoPackage(name: string, text: string, goPackage: string): string {
  if (/^option go_package/m.test(text)) return text;
  const path = dirname(name);
  const option = `option go_package = "${goPackage}/${path};${path.replaceAll('/', '')}";`;
  return text.replace(/^package .*;$/m, (line) => `${line}\n\n${option}`);
}

function run(args: readonly string[]): void {
  const { status, error } = spawnSync(join(ROOT, 'node_modules', '.bin', 'buf'), args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`buf ${args.join(' ')} failed`);
}
