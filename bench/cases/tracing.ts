// What tracing costs a server: the same transfers without it, with 1 % of the calls sampled, and with all of them.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { overGrpc } from './calls.ts';
import type { Bench, Case, Result } from './case.ts';
import { measure } from './measure.ts';
import { transferCalls } from './transfers.ts';

/** Rounds in which all servers are measured one after the other, so that the machine's mood meets all of them. */
const ROUNDS = 5;
const SHARES = { 'not traced': undefined, '1 % sampled': '0.01', 'all sampled': '1' } as const;
type Share = keyof typeof SHARES;
const NAMES = Object.keys(SHARES) as Share[];

/** Each share has a server of its own. The results are the medians of the rounds, with the ratios of each round. */
export const TRACING: Case = {
  name: 'Tracing: CreateTransfer, 1,000 wallets',
  isLong: true,
  run: async (bench) => {
    const collector = await startCollector();
    try {
      const benches = new Map<Share, Bench>();
      for (const share of NAMES) benches.set(share, await withServer(bench, share, collector.url));
      const rounds = new Map<Share, Result[]>(NAMES.map((share) => [share, []]));
      // There and back, so that what changes with time meets all of them alike.
      for (let round = 0; round < ROUNDS; round++)
        for (const share of round % 2 === 0 ? NAMES : NAMES.toReversed())
          rounds.get(share)?.push(await measureServer(benches.get(share) ?? bench, share));
      return NAMES.map((share) => summary(rounds.get(share) ?? [], rounds.get('not traced') ?? []));
    } finally {
      collector.close();
    }
  },
};

/** The bench, with a server of its own of whose calls this share is traced. */
export async function withServer(bench: Bench, share: Share, url: string): Promise<Bench> {
  const ratio = SHARES[share];
  const tracing = ratio && { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_SAMPLER_ARG: ratio };
  const { server, grpcAddress } = await bench.stack.startAnother({ ...tracing });
  const processes = { ...bench.stack.processes, server: server.pid };
  return { ...bench, stack: { ...bench.stack, grpcAddress, processes } };
}

function measureServer(bench: Bench, share: Share): Promise<Result> {
  const target = overGrpc(bench, transferCalls(bench.wallets), true);
  return measure(bench, { name: `${TRACING.name}, ${share}`, target, programs: ['server', 'postgres'] });
}

function summary(results: readonly Result[], plain: readonly Result[]): Result {
  const cpu = (result: Result | undefined) => result?.cpuSecondsPer1000Calls.server ?? 0;
  const ordered = [...results].sort((a, b) => cpu(a) - cpu(b));
  const ratios = results.map((result, round) => cpu(result) / cpu(plain[round])).sort((a, b) => a - b);
  const median = ordered[ordered.length >> 1] as Result;
  return {
    ...median,
    figures: {
      'server CPU / not traced, lowest': ratios[0] ?? 0,
      'server CPU / not traced, median': ratios[ratios.length >> 1] ?? 0,
      'server CPU / not traced, highest': ratios.at(-1) ?? 0,
    },
  };
}

/** Takes whatever is exported, and tells what it was. */
export async function startCollector(
  onTraces: (body: Buffer) => void = () => {},
): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === '/v1/traces') onTraces(Buffer.concat(chunks));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
