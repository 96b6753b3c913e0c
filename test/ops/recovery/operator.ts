// An operator at night, who has the runbooks of a cluster under Patroni and a shell on its nodes.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PatroniCluster, PatroniNode } from '../../../scripts/ops/parts/patroni.ts';
import { until } from '../../until.ts';
import { lineOf, placed } from './pages.ts';

const run = promisify(execFile);
const ADDRESSES = ['10.0.0.11', '10.0.0.12', '10.0.0.13'];
/** Longer than a copy of a node takes on a busy machine. */
const IN_TIME_MS = 120_000;

/** A row of `patronictl list`. */
export interface Listed {
  readonly Member: string;
  readonly Role: string;
  readonly State: string;
}

/** What the operator can do. */
export interface Operator {
  /**
   * Runs the line of a runbook that is of this form on a node, answers `y` where it asks, and returns what it prints.
   * `undefined`: on a machine with servers.
   */
  follow(
    page: string,
    form: RegExp,
    node: PatroniNode | undefined,
    more?: Record<string, string>,
  ): Promise<string>;
  /** `patronictl list` on a node, as rows. */
  list(node: PatroniNode): Promise<Listed[]>;
  /** Looks at the list until a node has this state; `undefined`: it is not in the list. */
  untilState(name: string, state: string | undefined, on: PatroniNode): Promise<void>;
}

/** Lets somebody follow the runbooks; n2 of the pages is the node that `lost` names. */
export function createOperator(cluster: PatroniCluster, folder: string): Operator {
  const shell = async (node: PatroniNode | undefined, line: string, input: string) => {
    const { prefix, env } = node ? cluster.shellOn(node) : { prefix: [], env: process.env };
    const [command = '', ...words] = [...prefix, 'bash', '-ec', `set -o pipefail; ${line}`];
    const running = run(command, words, { env, cwd: folder });
    running.child.stdin?.on('error', () => {});
    running.child.stdin?.end(input);
    const { stdout, stderr } = await running;
    return stdout + stderr;
  };
  const list = async (node: PatroniNode): Promise<Listed[]> =>
    JSON.parse(await shell(node, 'patronictl list --format json 2>/dev/null', ''));
  return {
    follow: (page, form, node, more = {}) => {
      const line = lineOf(`docs/runbooks/${page}.md`, form);
      return shell(node, placed(line, { ...more, ...placesOf(cluster) }), 'y\ny\n');
    },
    list,
    untilState: async (name, state, on) => {
      await until(
        `${name} is ${state ?? 'gone'}`,
        async () => (await list(on)).find(({ Member }) => Member === name)?.State === state,
        IN_TIME_MS,
      );
    },
  };
}

/** Of node k of the pages: its address with the port of Patroni, and its address alone. */
function placesOf({ nodes, door }: PatroniCluster): Record<string, string> {
  return {
    ...Object.fromEntries(
      nodes.map(({ host, restPort }, at) => [ADDRESSES[at] ?? '', `${host}:${restPort}`]),
    ),
    '$node:8008': '$node',
    '127.0.0.1:9902': new URL(door.adminUrl).host,
  };
}

/** The member of etcd with this name, in what `etcdctl member list` prints. */
export function memberId(printed: string, name: string): string {
  return new RegExp(`^([0-9a-f]+), \\w+, ${name}, `, 'm').exec(printed)?.[1] ?? '';
}

/** Where the programs of a repository are, in place of `/srv/ppuri`. */
export const SRV = join(import.meta.dirname, '..', '..', '..');
