// Builds and runs containers with buildah and podman, without a registry: on a Debian that debootstrap makes once.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SetupError } from '../../cli/program.ts';
import { tryLock, withLock } from '../../dev/files.ts';
import { debianPackages, lastLine } from '../../dev/install.ts';
import { type RunResult, runCommand } from '../../dev/processes.ts';

/** Containers that can be built and run. */
export interface Containers {
  /** The environment for buildah, podman and `npm run image`: it says where images are stored and what this machine allows. */
  readonly env: NodeJS.ProcessEnv;
  /** A Debian with nothing in it: an image to build on. */
  readonly base: string;
  /** The same with Node and npm: an image to compile in. */
  readonly buildBase: string;
  /** Runs podman and returns its stdout; throws a SetupError with its output where that fails. */
  podman(...args: readonly string[]): Promise<string>;
  /** Removes the containers of these names, running or not, where there are any. */
  remove(names: readonly string[]): Promise<void>;
  /** The end of what a container wrote. */
  logs(name: string): Promise<string>;
}

type Log = (line: string) => void;

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CACHE = join(ROOT, '.cache');
const FOLDER = join(CACHE, 'containers');
const POLL_MS = 200;
const SUITE = 'bookworm';
const BASE = 'localhost/ppuri-base';
const BUILD_BASE = 'localhost/ppuri-build-base';
/** Podman and buildah, with what they run and with what makes an image to begin with. */
const PACKAGES = ['podman', 'buildah', 'runc', 'conmon', 'catatonit', 'uidmap', 'debootstrap', 'iproute2'];
const PROGRAMS = ['podman', 'buildah', 'runc', 'conmon', 'debootstrap', 'ip'];
/** Networks of containers, with names: they bring no program on PATH. */
const NETWORKS = ['netavark', 'aardvark-dns'];

/**
 * Installs what is missing and makes the images to build on.
 * Returns in one line why there can be no containers here.
 */
export async function findContainers(
  log: Log = console.error,
): Promise<Containers | { readonly reason: string }> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return { reason: 'containers are built and run as root of a Linux' };
  const programs = await debianPackages(PACKAGES, PROGRAMS, log);
  if ('reason' in programs) return programs;
  const networks = await debianPackages(NETWORKS, [], log);
  if ('reason' in networks) return networks;
  return withLock(`${FOLDER}.lock`, async () => {
    const env = { ...process.env, ...writeSettings() };
    const podman = (...args: readonly string[]) => runPodman(args, env);
    const failure = await makeBases(env, log);
    if (failure) return { reason: failure };
    // Layers of builds before the last day's; the newer ones spare the next build an installation.
    await runCommand('podman', ['image', 'prune', '--force', '--filter', 'until=24h'], { env });
    const logs = async (name: string) =>
      (await runCommand('podman', ['logs', name], { env })).output.slice(-3000);
    const remove = async (names: readonly string[]) =>
      void (await podman('rm', '--force', '--ignore', '--time', '0', ...names));
    return { env, base: BASE, buildBase: BUILD_BASE, podman, remove, logs };
  });
}

/**
 * Reserves the networks of containers until it is disposed of; waits until they are free. While Podman makes one or puts a
 * container into it, packets in others are lost for seconds.
 */
export async function reserveNetworks(): Promise<Disposable> {
  for (;;) {
    const lock = tryLock(join(FOLDER, 'networks.lock'));
    if ('unlock' in lock) return { [Symbol.dispose]: lock.unlock };
    await sleep(POLL_MS);
  }
}

/** Only what it writes to stdout: to stderr it complains that there is no systemd to run health checks. */
async function runPodman(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return (await promisify(execFile)('podman', args, { env, maxBuffer: 1 << 26 })).stdout.trim();
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new SetupError(`podman ${args[0]} failed: ${`${stdout}${stderr}`.slice(-2000)}`);
  }
}

/** Writes the settings of buildah and podman; returns the variables that name them. */
function writeSettings(): NodeJS.ProcessEnv {
  const containers = join(FOLDER, 'containers.conf');
  const storage = join(FOLDER, 'storage.conf');
  mkdirSync(FOLDER, { recursive: true });
  // runc, because crun refuses a hybrid of cgroups v1 and v2; limits that a machine without CAP_SYS_RESOURCE can set.
  writeFileSync(
    containers,
    `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_backend = "netavark"
network_config_dir = "${join(FOLDER, 'networks')}"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`,
  );
  writeFileSync(
    storage,
    `[storage]
driver = "overlay"
graphroot = "${join(FOLDER, 'images')}"
runroot = "${join(FOLDER, 'run')}"
`,
  );
  return {
    CONTAINERS_CONF: containers,
    CONTAINERS_STORAGE_CONF: storage,
    // Without namespaces of its own, so that it builds inside of a container, too.
    BUILDAH_ISOLATION: 'chroot',
  };
}

/** Makes the two images where they are missing; returns why that failed. */
async function makeBases(env: NodeJS.ProcessEnv, log: Log): Promise<string | undefined> {
  if (!(await runCommand('podman', ['image', 'exists', BASE], { env })).ok) {
    const failure = await makeBase(env, log);
    if (failure) return failure;
  }
  return makeBuildBase(env);
}

async function makeBase(env: NodeJS.ProcessEnv, log: Log): Promise<string | undefined> {
  const tar = join(CACHE, `debian-${SUITE}.tar`);
  if (!existsSync(tar)) {
    log(`Making a Debian ${SUITE} with debootstrap, this takes a moment …`);
    const draft = `${tar}.draft`;
    rmSync(draft, { force: true });
    const made = await debootstrap(draft);
    if (!made.ok) return `debootstrap failed: ${lastLine(made)}`;
    await runCommand('mv', [draft, tar]);
  }
  const imported = await runCommand('podman', ['import', tar, BASE], { env });
  return imported.ok ? undefined : `podman import failed: ${lastLine(imported)}`;
}

/** Makes a minimal Debian with what Node is linked with, and packs it. */
async function debootstrap(tar: string): Promise<RunResult> {
  const folder = `${tar}.folder`;
  rmSync(folder, { recursive: true, force: true });
  try {
    const made = await runCommand('debootstrap', [
      ...['--variant=minbase', '--include=libatomic1,ca-certificates'],
      ...[SUITE, folder],
    ]);
    if (!made.ok) return made;
    return await runCommand('tar', ['-C', folder, '--exclude=./var/cache/apt/*', '-cf', tar, '.']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The base with the Node of this repository and the npm of this machine. */
async function makeBuildBase(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const root = await runCommand('npm', ['root', '--global']);
  if (!root.ok) return `there is no npm: ${lastLine(root)}`;
  const folder = join(FOLDER, 'build-base');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'Containerfile'),
    `FROM ${BASE}
COPY --from=node node /usr/local/bin/
COPY --from=npm . /usr/local/lib/node_modules/npm
COPY --from=certificates ca-certificates.crt /etc/ssl/certs/
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
`,
  );
  const contexts = {
    node: dirname(realpathSync(process.execPath)),
    npm: realpathSync(join(root.stdout, 'npm')),
    certificates: '/etc/ssl/certs',
  };
  const built = await runCommand(
    'buildah',
    [
      ...['build', '--quiet', '--layers', '--tag', BUILD_BASE],
      ...Object.entries(contexts).flatMap(([name, path]) => ['--build-context', `${name}=${path}`]),
      folder,
    ],
    { env },
  );
  return built.ok ? undefined : `buildah failed: ${built.output.slice(-1000)}`;
}
