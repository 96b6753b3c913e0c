// `npm run image`: compiles the programs and builds the image of the Containerfile, with what this machine has for that.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';
import { withLock } from './dev/files.ts';
import { runCommand } from './dev/processes.ts';

const ROOT = join(import.meta.dirname, '..');
/** All compile into the same folder, one after the other. */
const LOCK = join(ROOT, '.cache', 'image.lock');
const USAGE = `usage: npm run image [-- OPTIONS]
  --tag NAME           the image's name; localhost/ppuri:VERSION where it is left out
  --base IMAGE         a Debian or its like to build on; with PostgreSQL 18 in it, backup and restore find its tools
  --build-base IMAGE   an image with Node 20 or newer and npm, to install the packages in
Where ~/.npmrc exists, npm reads it while it installs; it does not get into the image.`;

interface Builder {
  /** A command that succeeds where it can build. */
  readonly check: readonly string[];
  readonly build: readonly string[];
}

// OCI's own format has no place for a health check; that of Docker has.
const DOCKER_FORMAT = ['--format', 'docker'];
const BUILDERS: Readonly<Record<string, Builder>> = {
  buildah: { check: ['info'], build: ['build', ...DOCKER_FORMAT, '--layers'] },
  podman: { check: ['info'], build: ['build', ...DOCKER_FORMAT] },
  docker: { check: ['info'], build: ['build'] },
};

await runCli(main);

async function main(): Promise<void> {
  const { values } = readCommandLine(USAGE, {
    tag: { type: 'string' },
    base: { type: 'string' },
    'build-base': { type: 'string' },
  });
  const builder = await findBuilder();
  mkdirSync(dirname(LOCK), { recursive: true });
  await withLock(LOCK, () => build(builder, values));
}

async function build(
  builder: string,
  values: { readonly tag?: string; readonly base?: string; readonly 'build-base'?: string },
): Promise<void> {
  const compiled = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.ts')], { stdio: 'inherit' });
  if (compiled.status !== 0) throw new SetupError('the programs cannot be compiled');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const revision = await runCommand('git', ['-C', ROOT, 'rev-parse', 'HEAD']);
  const tag = values.tag ?? `localhost/ppuri:${version}`;
  const buildArgs = {
    BASE: values.base,
    BUILD_BASE: values['build-base'],
    VERSION: version,
    REVISION: revision.ok ? revision.stdout : undefined,
  };
  const npmrc = join(homedir(), '.npmrc');
  const { status, error } = spawnSync(
    builder,
    [
      ...(BUILDERS[builder]?.build ?? []),
      ...['--file', 'Containerfile', '--tag', tag],
      ...Object.entries(buildArgs).flatMap(([name, value]) =>
        value === undefined ? [] : ['--build-arg', `${name}=${value}`],
      ),
      ...(existsSync(npmrc) ? ['--secret', `id=npmrc,src=${npmrc}`] : []),
      '.',
    ],
    { cwd: ROOT, stdio: 'inherit' },
  );
  if (error || status !== 0) throw new SetupError(`${builder} has not built ${tag}`);
  console.log(`built ${tag} with ${builder}`);
}

/** The first program that can build here. Throws a SetupError that says in a sentence what is missing. */
async function findBuilder(): Promise<string> {
  const reasons: string[] = [];
  for (const [name, { check }] of Object.entries(BUILDERS)) {
    const { ok, output } = await runCommand(name, check);
    if (ok) return name;
    reasons.push(`${name}: ${output.split('\n').at(-1) ?? ''}`);
  }
  throw new SetupError(
    `an image is built with buildah, podman or docker, and none of them works here (${reasons.join('; ')})`,
  );
}
