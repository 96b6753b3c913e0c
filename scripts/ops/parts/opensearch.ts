// Runs one real node of OpenSearch, a log store that speaks the protocol of Elasticsearch, from its jars.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FoundProgram } from '../../dev/install.ts';
import { debianPackages, lastLine } from '../../dev/install.ts';
import { findFree, HOST } from '../../dev/ports.ts';
import { runCommand } from '../../dev/processes.ts';
import { mavenJars } from '../install.ts';
import { answers, type Part, type PartOptions, required, startPart } from './part.ts';

/** An answer of the store. */
export interface StoreAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A running node. Started again in the same folder it has the same documents. */
export interface OpenSearch extends Part {
  /** Sends JSON: `request('PUT', '/_index_template/x', {…})`. */
  request(method: string, path: string, body?: object): Promise<StoreAnswer>;
}

const POM = fileURLToPath(new URL('opensearch/pom.xml', import.meta.url));
const SOURCE = fileURLToPath(new URL('opensearch/OpenSearchNode.java', import.meta.url));
/** It starts in about 8 s on an idle machine. */
const READY_TIMEOUT_MS = 120_000;
/** For one node with some 100,000 documents it takes 350 MB in all. */
const JAVA = ['-Xms384m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/** Finds or installs the jars, and compiles what starts them: the class path. */
export async function findOpenSearch(log?: (line: string) => void): Promise<FoundProgram> {
  const [jars, java] = [
    await mavenJars(POM, log),
    await debianPackages(['default-jdk-headless'], ['javac'], log),
  ];
  if ('reason' in jars) return jars;
  if ('reason' in java) return java;
  const [javac = 'javac'] = java.paths;
  const digest = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12);
  const classes = join(jars.path, `classes-${digest}`);
  const path = [classes, join(jars.path, '*')].join(delimiter);
  if (existsSync(join(classes, 'OpenSearchNode.class'))) return { path };
  mkdirSync(classes, { recursive: true });
  const built = await runCommand(javac, ['-cp', join(jars.path, '*'), '-d', classes, SOURCE]);
  return built.ok ? { path } : { reason: `javac ${SOURCE} failed: ${lastLine(built)}` };
}

/** Starts the node. Throws a SetupError when it cannot be had. */
export async function startOpenSearch(options: PartOptions): Promise<OpenSearch> {
  const { path } = required('OpenSearch', await findOpenSearch(options.log));
  const [free = 0, transportPort = 0] = await findFree(2);
  const folder = join(options.folder, 'opensearch');
  const port = options.port ?? free;
  const url = `http://${HOST}:${port}`;
  const part = await startPart({
    name: 'OpenSearch',
    folder,
    url,
    command: 'java',
    args: [...JAVA, '-cp', path, 'OpenSearchNode', folder, String(port), String(transportPort)],
    isReady: () => answers(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`),
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  return { ...part, request: (method, target, body) => request(`${url}${target}`, method, body) };
}

async function request(url: string, method: string, body: object | undefined): Promise<StoreAnswer> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(30_000),
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : { text } };
}
