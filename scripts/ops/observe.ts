// `npm run observe`: the operators' tools beside a running `npm start`, a minute of life, and what can be seen of it.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { crashReport, reportCrashes } from '../../src/runtime/crash.ts';
import { onStopSignal, readCommandLine, SetupError } from '../cli/program.ts';
import { OBSERVE_VARIABLES, readSettings } from '../cli/variables.ts';
import { tryLock } from '../dev/files.ts';
import { debianPackages } from '../dev/install.ts';
import { findFree, HOST } from '../dev/ports.ts';
import { endCommands, killProcesses } from '../dev/processes.ts';
import { type Check, runChecks } from './observe/checks.ts';
import { live } from './observe/life.ts';
import { operate } from './observe/operator.ts';
import { findProduct, type Product, runs, startProduct } from './observe/product.ts';
import { DEBIAN, startStack } from './observe/stack.ts';

const USAGE = `usage: npm run observe [-- options], beside a running npm start, or alone, which starts one
  --seconds N  sends calls for N seconds (60), checks what can be seen of them, and ends; without it, stays until Ctrl-C
  --json       prints {urls, checks: [{name, ok, detail}]} on stdout; the exit code is 1 if a check is not ok`;

const DEFAULT_SECONDS = 60;
/** Rates need some scrapes. */
const LEAST_SECONDS = 15;
const MOST_SECONDS = 86_400;
/** Above the interval at which it is noticed that an npm start is gone. */
const GONE_AFTER_MS = 1_000;

interface Options {
  readonly seconds: number;
  readonly stays: boolean;
  readonly json: boolean;
}

reportCrashes();
const log = (line: string) => console.error(line);
const stopped = Promise.withResolvers<undefined>();
const owner = new AsyncDisposableStack();
let isStopping = false;
/** Bad until the checks are done and good. */
let exitCode = 1;
onStopSignal(
  () => {
    isStopping = true;
    log('\nStopping …');
    endCommands();
    stopped.resolve(undefined);
  },
  () => {
    killProcesses();
    process.exit(1);
  },
);
const observing = observe().catch((error: unknown) => {
  // What fails because it is being stopped is no news.
  if (isStopping) return;
  log(error instanceof SetupError ? error.message : crashReport(error));
  exitCode = 1;
});
await Promise.race([observing, stopped.promise]);
await owner.disposeAsync();
killProcesses();
process.exit(exitCode);

async function observe(): Promise<void> {
  const options = readOptions();
  const { dataDir } = readSettings(OBSERVE_VARIABLES);
  const folder = openFolder(dataDir);
  // In one go, because each run of apt-get takes seconds; what it cannot install is tried and reported part by part.
  const installing = debianPackages(...DEBIAN, log);
  const product = await (runs(dataDir) ? findProduct(dataDir) : startOwn(dataDir));
  await installing;
  const gone = product.ended.then((reason): never => {
    throw new SetupError(reason);
  });
  try {
    await Promise.race([gone, observeProduct(product, folder, options)]);
  } catch (error) {
    // Whatever failed, that ppuri is gone explains it.
    await Promise.race([gone, sleep(GONE_AFTER_MS)]);
    throw error;
  }
}

/** The folder of all data of the tools, which one run at a time has. */
function openFolder(dataDir: string): string {
  const lock = tryLock(join(dataDir, 'run', 'observe.lock'));
  if ('heldBy' in lock) {
    throw new SetupError(`npm run observe runs on this data folder already (pid ${lock.heldBy})`);
  }
  owner.defer(lock.unlock);
  const folder = join(dataDir, 'observe');
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // A killed run leaves its data behind.
  remove();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  owner.defer(remove);
  return folder;
}

async function observeProduct(product: Product, folder: string, options: Options): Promise<void> {
  const stack = await startStack(owner, product, folder, log);
  const failed = stack.failed.then((reason): never => {
    throw new SetupError(reason);
  });
  for (const line of stack.missing) log(styleText('yellow', `Missing: ${line}`));
  const end = new AbortController();
  const { seen, ended } = live(product.info, end.signal);
  log(`Sending calls for ${options.seconds} s …`);
  operate(product).catch((error: unknown) => seen.surprises.add(`an operator: ${error}`));
  await Promise.race([sleep(options.seconds * 1000), failed]);
  const checks = await Promise.race([runChecks(stack, seen), failed]);
  end.abort();
  await ended;
  exitCode = checks.every(({ ok }) => ok) ? 0 : 1;
  const { urls } = stack;
  console.log(options.json ? asJson(urls, checks) : report(urls, checks));
  if (options.stays) await failed;
}

/** Nobody else waits for its calls, so each of them is traced, to a port that nobody else has. */
async function startOwn(dataDir: string): Promise<Product> {
  log('No npm start runs on this data folder; starting one …');
  const [otlpPort] = await findFree(1);
  return startProduct(owner, dataDir, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${HOST}:${otlpPort}`,
    OTEL_TRACES_SAMPLER_ARG: '1',
  });
}

function readOptions(): Options {
  const { values, positionals } = readCommandLine(USAGE, {
    seconds: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const { seconds = String(DEFAULT_SECONDS), json } = values;
  if (positionals.length > 0) throw new SetupError(`Unexpected argument '${positionals[0]}'\n${USAGE}`);
  if (!/^\d{1,5}$/.test(seconds) || Number(seconds) < LEAST_SECONDS || Number(seconds) > MOST_SECONDS)
    throw new SetupError(
      `--seconds must be a whole number from ${LEAST_SECONDS} to ${MOST_SECONDS}\n${USAGE}`,
    );
  return { seconds: Number(seconds), stays: values.seconds === undefined, json };
}

function asJson(urls: Readonly<Record<string, string>>, checks: readonly Check[]): string {
  const told = checks.map(({ name, ok, detail }) => ({ name, ok, detail }));
  return JSON.stringify({ urls, checks: told }, undefined, 2);
}

function report(urls: Readonly<Record<string, string>>, checks: readonly Check[]): string {
  const width = Math.max(...Object.keys(urls).map((name) => name.length));
  return [
    '',
    ...Object.entries(urls).map(([name, url]) => `  ${name.padEnd(width)}  ${url}`),
    '',
    ...checks.map(
      ({ name, ok, detail }) => `${ok ? styleText('green', '✔') : styleText('red', '✖')} ${name}: ${detail}`,
    ),
    '',
    ...checks.flatMap(({ question, detail }) =>
      question === undefined ? [] : [styleText('bold', question), `  ${detail}`],
    ),
    '',
  ].join('\n');
}
