// Sees to it that redis-server is there: on Debian as root it is installed, elsewhere people are told how.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock-file.ts';
import { type RunResult, runCommand } from './run-command.ts';
import { SetupError } from './setup-error.ts';

const LOCK = fileURLToPath(new URL('../../.cache/redis.lock', import.meta.url));
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs redis-server unless it is on PATH. Throws a SetupError that says what to do where it cannot. No hash is
 * pinned here, because apt-get checks what it takes against Debian's signature.
 */
export async function installRedis(say: (line: string) => void): Promise<void> {
  if (await isInstalled()) return;
  if (process.getuid?.() !== 0 || !(await runCommand('apt-get', ['--version'])).ok) {
    throw new SetupError(
      'redis-server is missing; install it (Debian: apt-get install redis-server, macOS: brew install redis)',
    );
  }
  await withLock(LOCK, async () => {
    if (await isInstalled()) return;
    say('Installing redis-server (apt-get), this takes a moment …');
    const result = await withoutServices(async () => {
      const update = await aptGet('update');
      return update.ok ? aptGet('install', '-y', '--no-install-recommends', 'redis-server') : update;
    });
    if (!(await isInstalled())) {
      throw new SetupError(`${result.output}\napt-get cannot install redis-server; install it by hand`);
    }
  });
}

async function isInstalled(): Promise<boolean> {
  return (await runCommand('redis-server', ['--version'])).ok;
}

function aptGet(...args: string[]): Promise<RunResult> {
  // RUNLEVEL=1 keeps old init scripts from starting what is installed.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  return runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
}

/** Debian starts what it installs as a service, unless a policy forbids it; one is put there for the time being. */
async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  if (existsSync(POLICY)) return work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(POLICY, { force: true });
  }
}
