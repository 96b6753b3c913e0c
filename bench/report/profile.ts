// Where a server spent its CPU time, from the profile that V8 wrote when it ended.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A share of the CPU time. */
export interface Share {
  readonly name: string;
  /** Of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

/** Which code belongs to what; the first match counts. A sample belongs to its nearest caller that matches. */
const OWNERS: readonly (readonly [string, RegExp])[] = [
  ['signature', /src\/(signatures|keys)\/|structured-headers|interceptors\/(authenticate|authorize)/],
  ['limits and nonce', /src\/(redis|admission|cache|resilience)\/|ioredis|opossum|denque|interceptors\/admi/],
  ['validation', /protovalidate|bufbuild\/cel|interceptors\/validate|grpc\/(contracts|rule-check)\.ts/],
  ['ledger and database', /src\/(db|ledger|domain|usecases)\/|node_modules\/pg/],
  ['logs', /pino|sonic-boom|src\/(ops|runtime)\/log/],
  ['gRPC and messages', /grpc-js|node:internal\/http2|node:http2|gen\/ts\/|src\/grpc\//],
];

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Reads the largest profile of a folder, which is that of the busiest process. */
export function sharesIn(folder: string): Share[] {
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const [largest = '{"nodes":[],"samples":[],"timeDeltas":[]}'] = texts.sort((a, b) => b.length - a.length);
  const profile = JSON.parse(largest) as Profile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );

  const ownerOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame?.functionName === '(idle)') return 'idle';
      if (frame?.functionName === '(garbage collector)') return 'garbage collection';
      const owner = OWNERS.find(([, code]) => code.test(frame?.url ?? ''));
      if (owner) return owner[0];
    }
    return 'the rest of Node';
  };
  const times = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const owner = ownerOf(id);
    times.set(owner, (times.get(owner) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  times.delete('idle');
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((a, b) => b.share - a.share);
}
