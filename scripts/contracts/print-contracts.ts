// Prints everything that is generated from the contracts: TypeScript, Python, OpenAPI and the descriptor.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { printPython } from './python/print-python.ts';

/** The types of the descriptor set that servers, clients and Envoy read at run time: contracts and error details. */
const DESCRIPTOR_TYPES = [
  'wallet.v1',
  'wallet.v2',
  'admin.v1',
  'grpc.health.v1',
  'google.rpc.Status',
  'google.rpc.ErrorInfo',
  'google.rpc.BadRequest',
  'google.rpc.RetryInfo',
  'google.rpc.QuotaFailure',
  'google.rpc.LocalizedMessage',
  'google.rpc.RequestInfo',
];

const VALIDATE_PROTO = join('buf', 'validate', 'validate.proto');

/** The folders that hold nothing but what is printed, below the repository's own. */
export const PRINTED = ['gen', 'clients/python/src/ppuri/_gen'] as const;

/**
 * Prints what belongs into PRINTED into the same folders below an empty one. Besides these it writes only .cache/proto, which
 * buf reads. Throws when a step fails, after its output has gone to stderr.
 */
export function printContracts(root: string, folder: string): void {
  const scratch = mkdtempSync(`${folder}-scratch-`);
  try {
    printValidateProto(root, scratch);
    // The templates write to gen/… below this folder, so the real gen/ is not touched.
    buf(root, ['generate', '--output', scratch]);
    buf(root, ['generate', '--template', 'buf.gen.openapi.yaml', '--output', scratch]);
    const types = DESCRIPTOR_TYPES.flatMap((type) => ['--type', type]);
    const descriptor = join(scratch, 'gen', 'descriptor.binpb');
    buf(root, ['build', '--as-file-descriptor-set', '--exclude-source-info', ...types, '-o', descriptor]);
    // With comments, which become documentation.
    const image = join(scratch, 'image.binpb');
    buf(root, ['build', '--as-file-descriptor-set', ...types, '-o', image]);
    const [, python] = PRINTED;
    printPython(image, join(folder, python));
    cpSync(join(scratch, 'gen'), join(folder, 'gen'), { recursive: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Prints the proto of the validation rules where buf.yaml looks for it, by a rename, because others may be reading it. */
export function printValidateProto(root: string, folder: string): void {
  run(root, process.execPath, [join(root, 'scripts', 'contracts', 'print-validate-proto.ts')], folder);
  const printed = join(folder, '.cache', 'proto', VALIDATE_PROTO);
  const target = join(root, '.cache', 'proto', VALIDATE_PROTO);
  if (existsSync(target) && readFileSync(target).equals(readFileSync(printed))) return;
  mkdirSync(dirname(target), { recursive: true });
  const beside = `${target}.${process.pid}`;
  cpSync(printed, beside);
  renameSync(beside, target);
}

function buf(root: string, args: readonly string[]): void {
  run(root, join(root, 'node_modules', '.bin', 'buf'), args, root);
}

function run(root: string, command: string, args: readonly string[], cwd: string): void {
  // Without npm, too, the plugins and the Node that runs them are those of node_modules.
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const { status, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed`);
}
