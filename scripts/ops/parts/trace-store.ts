// Runs a trace store with a viewer: Zipkin, with a door for OTLP before it.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FoundProgram } from '../../dev/install.ts';
import { findFree, HOST } from '../../dev/ports.ts';
import { mavenJars } from '../install.ts';
import { type Part, type PartOptions, required, startPart } from './part.ts';

/** A span as Zipkin tells it. */
export interface StoredSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind?: string;
  /** In microseconds. */
  readonly duration?: number;
  readonly localEndpoint?: { readonly serviceName?: string };
  readonly tags?: Readonly<Record<string, string>>;
}

/** A running trace store. `url` is the viewer; signals go to who takes the spans. */
export interface TraceStore extends Part {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlpUrl: string;
  /** The page of a trace. */
  pageOf(traceId: string): string;
  /** The spans of a trace; none where it is unknown. */
  trace(traceId: string): Promise<readonly StoredSpan[]>;
  /** The newest traces with a span of this service (`ppuri-server`, `ppuri-edge`, `ppuri-worker`), and of this name. */
  newest(service: string, spanName?: string): Promise<readonly (readonly StoredSpan[])[]>;
}

const TRANSLATOR = fileURLToPath(new URL('trace-store/otlp-to-zipkin.ts', import.meta.url));
const POM = fileURLToPath(new URL('trace-store/pom.xml', import.meta.url));
/** Java on a busy machine with two cores. */
const READY_TIMEOUT_MS = 120_000;
const NEWEST = '20';

/** Finds or installs Zipkin: the path of its jar. */
export async function findTraceStore(log?: (line: string) => void): Promise<FoundProgram> {
  const jars = await mavenJars(POM, log);
  if ('reason' in jars) return jars;
  const [jar] = globSync('zipkin-server-*.jar', { cwd: jars.path });
  return jar ? { path: join(jars.path, jar) } : { reason: 'Maven brought no jar of Zipkin' };
}

/** How to run the store. */
export interface TraceStoreOptions extends PartOptions {
  /** The port for OTLP; a free one is chosen when it is left out. */
  readonly otlpPort?: number;
}

/** Starts the store; spans are kept in memory, the newest 50,000 of them. Throws a SetupError when it cannot be had. */
export async function startTraceStore(options: TraceStoreOptions): Promise<TraceStore> {
  const { path: jar } = required('Zipkin', await findTraceStore(options.log));
  const [freePort = 0, freeOtlpPort = 0] = await findFree(2);
  const { port = freePort, otlpPort = freeOtlpPort } = options;
  const folder = join(options.folder, 'trace-store');
  const url = `http://${HOST}:${port}`;
  const zipkin = await startPart({
    name: 'Zipkin',
    folder,
    url: `${url}/zipkin/`,
    command: 'java',
    args: [
      ...['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-jar', jar],
      ...[`--armeria.ports[0].port=${port}`, `--armeria.ports[0].address=${HOST}`],
      ...['--armeria.ports[0].protocols[0]=http', '--zipkin.storage.mem.max-spans=50000'],
    ],
    isReady: async () => (await fetch(`${url}/health`).catch(() => undefined))?.ok ?? false,
    readyTimeoutMs: READY_TIMEOUT_MS,
    // Java says 143 then, which is as it should be.
    stopSignal: 'SIGTERM',
  });
  const otlpUrl = `http://${HOST}:${otlpPort}`;
  const translator = await startPart({
    name: 'OTLP to Zipkin',
    folder,
    url: otlpUrl,
    command: process.execPath,
    args: [TRANSLATOR, String(otlpPort), url],
  }).catch(async (error: unknown) => {
    await zipkin[Symbol.asyncDispose]();
    throw error;
  });
  const read = async <Answer>(path: string): Promise<Answer | undefined> => {
    const response = await fetch(`${url}/api/v2/${path}`, { signal: AbortSignal.timeout(10_000) });
    return response.ok ? ((await response.json()) as Answer) : undefined;
  };
  return {
    ...zipkin,
    otlpUrl,
    signal: translator.signal,
    pageOf: (traceId) => `${url}/zipkin/traces/${traceId}`,
    trace: async (traceId) => (await read<StoredSpan[]>(`trace/${traceId}`)) ?? [],
    newest: async (serviceName, spanName) => {
      const query = new URLSearchParams({ serviceName, limit: NEWEST, ...(spanName && { spanName }) });
      return (await read<StoredSpan[][]>(`traces?${query}`)) ?? [];
    },
    [Symbol.asyncDispose]: async () => {
      translator.signal('SIGCONT');
      await translator[Symbol.asyncDispose]();
      await zipkin[Symbol.asyncDispose]();
    },
  };
}
