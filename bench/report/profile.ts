// Says where a server's time went, from the CPU profile that V8 wrote when it ended.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a share of the time was spent on. */
export interface Share {
  readonly name: string;
  /** Of the time that the process was not idle, 0 to 1. */
  readonly share: number;
}

/** Whose code is what, the first match counts. A sample belongs to the nearest caller that is named here. */
const OWNERS: readonly (readonly [string, RegExp])[] = [
  [
    'signature',
    /src\/signatures\/|structured-headers|grpc\/received\.ts|interceptors\/(authenticate|authorize)\.ts|src\/keys\//,
  ],
  ['limits and nonce', /src\/redis\/|ioredis|opossum|denque|interceptors\/admit\.ts/],
  ['validation', /protovalidate|bufbuild\/cel|interceptors\/validate-request\.ts|grpc\/contracts\.ts/],
  ['ledger and database', /src\/db\/|node_modules\/pg|src\/domain\/|src\/usecases\//],
  ['logs', /pino|sonic-boom|src\/ops\/logs\.ts/],
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

/** Reads the largest profile of a folder: that of the process which did the most. */
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
