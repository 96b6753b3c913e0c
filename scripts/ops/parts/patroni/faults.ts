// Networks that can be cut and disks that can be filled, one for each node. Both need root, and are removed with their owner.

import { randomInt } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../../cli/program.ts';
import { runCommand } from '../../../dev/processes.ts';

/** A network between this machine and some nodes, each in a network namespace of its own. */
export interface NodeNetwork extends AsyncDisposable {
  /** The address of this machine in it. */
  readonly hostAddress: string;
  /** The address of a node. */
  addressOf(node: number): string;
  /** Words before a command that run it on a node. */
  prefixOf(node: number): readonly string[];
  /** From now on nothing reaches the node, and nothing comes from it: packets are dropped, connections stay open. */
  cut(node: number): Promise<void>;
  heal(node: number): Promise<void>;
  /** Shell commands that remove it when this process has died. */
  readonly cleanUp: readonly string[];
}

/** Makes it. Addresses are of 198.18.0.0/15, which is reserved for tests of networks (RFC 2544). */
export async function createNetwork(count: number): Promise<NodeNetwork> {
  const id = `pp${randomInt(16 ** 6).toString(16)}`;
  const net = `198.${18 + randomInt(2)}.${randomInt(256)}`;
  const nodes = Array.from({ length: count }, (_, index) => index);
  const space = (node: number) => `${id}-${node}`;
  const cable = (node: number) => `${id}v${node}`;
  const removal = [...nodes.map((node) => ['netns', 'del', space(node)]), ['link', 'del', id]];
  await ip('link', 'add', id, 'type', 'bridge');
  await ip('addr', 'add', `${net}.1/24`, 'dev', id);
  await ip('link', 'set', id, 'up');
  for (const node of nodes) {
    await ip('netns', 'add', space(node));
    await ip('link', 'add', cable(node), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space(node));
    await ip('link', 'set', cable(node), 'master', id, 'up');
    await ip('-n', space(node), 'addr', 'add', `${net}.${11 + node}/24`, 'dev', 'eth0');
    for (const device of ['eth0', 'lo']) await ip('-n', space(node), 'link', 'set', device, 'up');
  }
  return {
    hostAddress: `${net}.1`,
    addressOf: (node) => `${net}.${11 + node}`,
    prefixOf: (node) => ['ip', 'netns', 'exec', space(node)],
    cut: (node) => ip('link', 'set', cable(node), 'down'),
    heal: (node) => ip('link', 'set', cable(node), 'up'),
    cleanUp: removal.map((words) => `ip ${words.join(' ')}`),
    [Symbol.asyncDispose]: async () => {
      for (const words of removal) await runCommand('ip', words);
    },
  };
}

async function ip(...words: readonly string[]): Promise<void> {
  const { ok, output } = await runCommand('ip', words);
  if (!ok) throw new SetupError(`ip ${words.join(' ')} failed: ${output}`);
}

/** A small disk in memory. */
export interface SmallDisk extends AsyncDisposable {
  /** Takes all that is free, so that every further write fails with ENOSPC. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  readonly cleanUp: readonly string[];
}

/** Mounts one of so many megabytes on a folder. */
export async function mountDisk(folder: string, megabytes: number): Promise<SmallDisk> {
  mkdirSync(folder, { recursive: true });
  const mounted = await runCommand('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${megabytes}m`,
    'ppuri-disk',
    folder,
  ]);
  if (!mounted.ok) throw new SetupError(`cannot mount a disk on ${folder}: ${mounted.output}`);
  const filler = join(folder, 'filler');
  return {
    fill: () => fill(filler),
    free: () => rmSync(filler, { force: true }),
    cleanUp: [`umount -l '${folder}'`],
    [Symbol.asyncDispose]: async () => {
      if (isMounted(folder)) await runCommand('umount', ['-l', folder]);
    },
  };
}

function isMounted(folder: string): boolean {
  return existsSync('/proc/mounts') && readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `);
}

/** Blocks of a megabyte and then of a page, until there is no space. */
function fill(file: string): void {
  const handle = openSync(file, 'a');
  try {
    for (const size of [1 << 20, 4096]) {
      const block = Buffer.alloc(size);
      for (let isFull = false; !isFull; ) {
        try {
          isFull = writeSync(handle, block) < size;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          isFull = true;
        }
      }
    }
  } finally {
    closeSync(handle);
  }
}
