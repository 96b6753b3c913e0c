// Prints everything that is generated from the contracts into a folder: TypeScript, OpenAPI and the descriptor.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** What the server and Envoy need to know at run time: the contracts, and what the details of errors are made of. */
const DESCRIBED = [
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

/**
 * Prints into an empty folder: `ts/`, `openapi/` and `descriptor.binpb`. Besides it writes only .cache/proto, which buf
 * reads. Throws when a step fails; what the step has to say has gone to stderr by then.
 */
export function printContracts(root: string, folder: string): void {
  const inner = mkdtempSync(`${folder}-parts-`);
  try {
    printValidateProto(root, inner);
    // The templates say gen/…; below another base the real gen/ stays as it is.
    buf(root, ['generate', '--output', inner]);
    buf(root, ['generate', '--template', 'buf.gen.openapi.yaml', '--output', inner]);
    const types = DESCRIBED.flatMap((type) => ['--type', type]);
    const descriptor = join(inner, 'gen', 'descriptor.binpb');
    buf(root, ['build', '--as-file-descriptor-set', '--exclude-source-info', ...types, '-o', descriptor]);
    cpSync(join(inner, 'gen'), folder, { recursive: true });
  } finally {
    rmSync(inner, { recursive: true, force: true });
  }
}

/** Puts the validation rules' proto where buf.yaml looks for it, whole at any moment: others may be reading it. */
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
  // The plugins, and the Node that runs them, are those of the repository also without npm.
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const { status, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed`);
}
