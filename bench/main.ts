// `npm run bench`: measures ppuri, and bare gRPC and PostgreSQL in the same run to compare it with.
//
// It starts its own PostgreSQL, Redis, Envoy and servers in a folder of its own; docs/performance.md explains it.

import { availableParallelism, loadavg } from 'node:os';
import { onStopSignal, SetupError } from '../scripts/cli/program.ts';
import { BENCH_VARIABLES, readSettings } from '../scripts/cli/variables.ts';
import { killProcesses } from '../scripts/dev/processes.ts';
import type { Bench, Case, Result } from './cases/case.ts';
import { casesFor } from './cases/list.ts';
import { seedWallets, vacuumAnalyze, walletsOf } from './env/seed.ts';
import { startStack } from './env/stack.ts';
import { acquireWorkspace, type Workspace } from './env/workspace.ts';
import { type Options, readOptions } from './options.ts';
import { drawPage } from './report/page.ts';
import { sharesIn } from './report/profile.ts';
import { medianRatios, medianResults, ratiosOf } from './report/ratios.ts';
import { ratioText, resultText } from './report/text.ts';

const FIRST_USER = 100_001;
const WALLETS = 1000;
const DEPOSITS = 40;
/** A new server is slow until its code is compiled. Runs below a second are only smoke tests and get less. */
const WARM_UP_SECONDS = 2;

const running: { stop(): Promise<unknown> }[] = [];
let workspace: Workspace | undefined;
let stopping: Promise<void> | undefined;
onStopSignal(
  () => {
    stopping = cleanUp().finally(() => process.exit(130));
  },
  () => process.exit(130),
);
process.on('exit', killProcesses);

let exitCode = 1;
try {
  exitCode = await bench(readOptions(process.argv.slice(2)));
} catch (error) {
  // An error after Ctrl-C is expected, and not printed before everything has stopped.
  await stopping;
  console.error(error instanceof SetupError ? error.message : error);
} finally {
  await cleanUp();
}
process.exit(exitCode);

/** Stops everything in reverse order and releases the folder. */
async function cleanUp(): Promise<void> {
  for (const resource of running.splice(0).reverse()) await resource.stop();
  workspace?.release();
  workspace = undefined;
}

async function bench(options: Options): Promise<number> {
  const { dataDir } = readSettings(BENCH_VARIABLES);
  const cases = casesFor(options.caseNames);
  if (cases.length === 0) throw new SetupError(`no case has ${options.caseNames.join(' or ')} in its name`);
  const load = machineLoad();
  workspace = await acquireWorkspace(dataDir);
  if (load.isBusy) console.error(`${load.text}: others share what is measured, trust ratios alone`);
  const stack = await startStack(workspace, {
    profile: options.profile,
    seed: async (database) => {
      await seedWallets(database, { firstUser: FIRST_USER, wallets: WALLETS, deposits: DEPOSITS });
      await vacuumAnalyze(database);
    },
    own: (resource) => {
      running.push(resource);
      return resource;
    },
  });
  const { seconds, inFlight, clients } = options;
  const shared: Omit<Bench, 'results'> = {
    stack,
    wallets: await walletsOf(stack.database, FIRST_USER, WALLETS),
    seconds,
    warmUpSeconds: seconds < 1 ? seconds / 3 : WARM_UP_SECONDS,
    inFlight,
    clients,
    log: options.json ? () => {} : (line) => console.log(line),
  };
  const runs: Result[][] = [];
  // A smoke test measures no case twice.
  const turns = seconds < 1 ? [...new Set(cases)] : cases;
  for (let run = 0; run < options.runs; run++) runs.push(await runAll(turns, shared));
  const faults = await stack.database.faults();
  // The profile is written when the server ends.
  for (const resource of running.splice(0).reverse()) await resource.stop();
  return report(options, load.text, runs, faults, options.profile ? sharesIn(stack.profileDir) : []);
}

/** The load average before the run. */
function machineLoad() {
  const [load = 0] = loadavg();
  const cores = availableParallelism();
  return { isBusy: load > cores / 2, text: `load ${load.toFixed(1)} on ${cores} cores before the run` };
}

async function runAll(cases: readonly Case[], shared: Omit<Bench, 'results'>): Promise<Result[]> {
  const results: Result[] = [];
  for (const which of cases) {
    const found = await which.run({ ...shared, results });
    if (typeof found === 'string') {
      console.error(`${which.name} is left out: ${found}`);
      continue;
    }
    for (const result of found) shared.log(resultText(result));
    results.push(...found);
  }
  return results;
}

function report(
  options: Options,
  loadText: string,
  runs: readonly Result[][],
  faults: readonly string[],
  shares: ReturnType<typeof sharesIn>,
): number {
  const cases = medianResults(runs.flat());
  const ratios = medianRatios(runs.map(ratiosOf));
  if (options.json) console.log(JSON.stringify({ cases, ratios }));
  else {
    if (ratios.length > 0) console.log(`\n${ratios.map(ratioText).join('\n')}`);
    if (options.profile) {
      console.log('\nWhere the server spent its CPU time');
      // Of several cases nobody knows which one a sample belongs to.
      const usPerCall = cases.length === 1 ? (cases[0]?.cpuSecondsPer1000Calls.server ?? 0) * 1000 : 0;
      for (const { name, share } of shares) console.log(shareText(name, share, share * usPerCall));
    }
  }
  if (options.draw) drawPage(cases, ratios, `npm run bench -- ${asTyped(process.argv.slice(2))}`, loadText);
  for (const fault of faults) console.error(`THE BOOKS DO NOT BALANCE: ${fault}`);
  for (const { name, errors, problems } of cases)
    if (errors > 0) console.error(`${name}: ${errors} errors: ${problems.join(', ')}`);
  return faults.length > 0 || cases.some(({ errors }) => errors > 0) ? 1 : 0;
}

function shareText(name: string, share: number, us: number): string {
  const perCall = us > 0 ? `${us.toFixed(0).padStart(8)} µs a call` : '';
  return `  ${name.padEnd(24)}${`${(share * 100).toFixed(1)} %`.padStart(7)}${perCall}`;
}

/** Arguments as one types them into a shell. */
function asTyped(args: readonly string[]): string {
  return args.map((arg) => (/^[\w.,-]+$/.test(arg) ? arg : `"${arg}"`)).join(' ');
}
