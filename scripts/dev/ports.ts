// The ports of the development stack: whether they are free, and free ones for tests.
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetupError } from '../cli/program.ts';
import { PORT_VARIABLES } from '../cli/variables.ts';

/** The address of everything in development, which other machines cannot reach. */
export const HOST = '127.0.0.1';

/** A program that listens. */
export type PortName = keyof typeof PORT_VARIABLES;
/** The port of each program. */
export type Ports = Readonly<Record<PortName, number>>;

const NAMES = Object.keys(PORT_VARIABLES) as PortName[];
/** Below the ports that Linux and macOS use for outgoing connections, which could take a port that was free. */
const FREE_FROM = 20_000;
const FREE_TO = 32_000;
/**
 * A file for each port that a process has found, with its pid. A port stays with that process while the program that listens
 * there is restarted: without this, one of many tests that run at once takes it in between.
 */
const FOUND_PORTS = join(tmpdir(), `ppuri-ports-${process.getuid?.() ?? 0}`);

function portsBy(portOf: (name: PortName) => number): Ports {
  return Object.fromEntries(NAMES.map((name) => [name, portOf(name)])) as Record<PortName, number>;
}

/** A fault for each port that two variables name. */
export function portConflicts(ports: Ports): string[] {
  return NAMES.flatMap((name, index) => {
    const other = NAMES.slice(0, index).find((earlier) => ports[earlier] === ports[name]);
    if (!other) return [];
    const [first, second] = [PORT_VARIABLES[other].name, PORT_VARIABLES[name].name];
    return [`${first} and ${second} are both ${ports[name]}; give one of them another port`];
  });
}

/** Throws a SetupError that names the variable of the first port that is taken. */
export async function requireFreePorts(ports: Ports): Promise<void> {
  const free = await Promise.all(NAMES.map((name) => isFree(ports[name])));
  const name = NAMES[free.indexOf(false)];
  if (!name) return;
  throw new SetupError(
    `port ${ports[name]} on ${HOST} is taken by another program; set ${PORT_VARIABLES[name].name} to a free one`,
  );
}

/** A free port for each program, for tests that run beside others. */
export async function findFreePorts(): Promise<Ports> {
  const found = await findFree(NAMES.length);
  return portsBy((name) => found[NAMES.indexOf(name)] as number);
}

/** The variables with which a program uses these ports. */
export function environmentOf(ports: Ports): Record<string, string> {
  return Object.fromEntries(NAMES.map((name) => [PORT_VARIABLES[name].name, String(ports[name])]));
}

/** Different free ports, which no other process finds while this one lives. */
export async function findFree(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = randomInt(FREE_FROM, FREE_TO);
    if (keep(port) && (await isFree(port))) found.push(port);
  }
  return found;
}

const kept: string[] = [];
process.once('exit', () => {
  for (const file of kept) rmSync(file, { force: true });
});

/** Keeps a port for this process; false where a living process has it. */
function keep(port: number): boolean {
  const file = join(FOUND_PORTS, String(port));
  mkdirSync(FOUND_PORTS, { recursive: true });
  if (isLeftBehind(file)) rmSync(file, { force: true });
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    return false;
  }
  kept.push(file);
  return true;
}

/** Whether the process that wrote this file has ended without removing it. */
function isLeftBehind(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // It is empty for the moment between its making and its writing.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Whether nothing listens on this port of HOST. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: HOST, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
