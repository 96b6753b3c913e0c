// A part of the operations stack: one program on loopback, with all its data in one folder, that ends with this process.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../cli/program.ts';
import { pidFileOf, runCommand, startProcess, waitUntilReady } from '../../dev/processes.ts';

/** A running program. Disposing stops it; its data stays until the owner of the folder removes that. */
export interface Part extends AsyncDisposable {
  /** Its name in messages: `Prometheus`. */
  readonly name: string;
  /** Where it answers. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has ended, with the reason as text. */
  readonly ended: Promise<string>;
  /** Sends a signal: SIGSTOP makes it slow, SIGKILL is a crash. */
  signal(name: NodeJS.Signals): void;
}

/** What every start of a part takes. */
export interface PartOptions {
  /** Holds the data and the log of the part, each below its own name; the caller makes and removes it. */
  readonly folder: string;
  /** A free port is chosen when it is left out. */
  readonly port?: number;
  /** Gets a line before an installation. */
  readonly log?: (line: string) => void;
}

/** How to start a part. */
export interface PartCommand {
  readonly name: string;
  readonly folder: string;
  readonly url: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Whether it serves; by default when `url` answers at all. */
  readonly isReady?: () => Promise<boolean>;
  /** 30 s by default. */
  readonly readyTimeoutMs?: number;
  /** How it is asked to stop; SIGTERM by default. */
  readonly stopSignal?: NodeJS.Signals;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_GRACE_MS = 5_000;

/** Starts a part and waits until it serves. Throws a SetupError that names its log otherwise. */
export async function startPart(part: PartCommand): Promise<Part> {
  const slug = part.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  mkdirSync(part.folder, { recursive: true });
  const logFile = join(part.folder, `${slug}.log`);
  const [command = part.command, ...args] = [...(await endsWithParent()), part.command, ...part.args];
  const managed = await startProcess({
    name: part.name,
    command,
    args,
    ...(part.env && { env: part.env }),
    ...(part.cwd && { cwd: part.cwd }),
    output: { file: logFile },
    pidFile: pidFileOf(part.folder, slug),
  });
  const isReady = part.isReady ?? (() => answers(part.url));
  await waitUntilReady(managed, isReady, part.readyTimeoutMs ?? READY_TIMEOUT_MS, logFile);
  return {
    name: part.name,
    url: part.url,
    pid: managed.pid,
    ended: managed.ended,
    signal: (name) => void managed.process.kill(name),
    [Symbol.asyncDispose]: () => managed.stop(part.stopSignal ?? 'SIGTERM', STOP_GRACE_MS),
  };
}

let prefix: Promise<readonly string[]> | undefined;

/** Words before a command with which Linux kills the program when this process ends, even by kill -9. */
export function endsWithParent(): Promise<readonly string[]> {
  prefix ??= runCommand('setpriv', ['--pdeathsig', 'KILL', 'true']).then(({ ok }) =>
    ok ? ['setpriv', '--pdeathsig', 'KILL'] : [],
  );
  return prefix;
}

/** Whether a URL answers with a status below 500. */
export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).status < 500;
  } catch {
    return false;
  }
}

/** The value, or a SetupError when the part cannot be had on this machine. */
export function required<Found extends object>(
  name: string,
  found: Found | { readonly reason: string },
): Found {
  if ('reason' in found) throw new SetupError(`${name} cannot be had: ${found.reason}`);
  return found;
}
