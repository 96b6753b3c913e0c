// Tools of other languages, pinned by their hashes: packages of Python, programs of Go.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../../scripts/dev/files.ts';
import { type FoundProgram, findProgram } from '../../../scripts/dev/install.ts';
import { runCommand } from '../../../scripts/dev/processes.ts';
import { goPrograms } from '../../../scripts/ops/install.ts';
import { orSkip } from '../../skip.ts';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '..', '..', '.cache');

/** Python with the packages of requirements.txt; `skip` says why there is none. */
export const python = orSkip(await findPython(), 'Python clients');

/** The folder of grpcurl, oapi-codegen and protoc's plugins for Go; `skip` says why there is none. */
export const goTools = orSkip(await goPrograms(HERE, 'tool', 'go-tools'), 'Go clients');

/** The folder of openapi-typescript's packages; `skip` says why there is none. */
export const typescriptTools = orSkip(await findTypescriptTools(), 'openapi-typescript');

async function findTypescriptTools(): Promise<FoundProgram> {
  const source = join(HERE, 'typescript');
  const folder = join(CACHE, `typescript-clients-${digestOf(join(source, 'package-lock.json'))}`);
  if (existsSync(folder)) return { path: folder };
  return withLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return { path: folder };
    const draft = `${folder}.draft`;
    rmSync(draft, { recursive: true, force: true });
    cpSync(source, draft, { recursive: true });
    const installed = await runCommand('npm', ['ci', '--ignore-scripts'], { cwd: draft });
    if (!installed.ok) return { reason: `npm ci failed: ${installed.output.slice(-500)}` };
    renameSync(draft, folder);
    return { path: folder };
  });
}

function findPython(): Promise<FoundProgram> {
  const requirements = join(HERE, 'requirements.txt');
  return findProgram(
    {
      folder: join(CACHE, `python-clients-${digestOf(requirements)}`),
      requirements,
      program: 'bin/python3',
      title: "Python's gRPC and OpenAPI clients",
    },
    console.error,
  );
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
}
