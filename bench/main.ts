// `npm run bench`: what the machine does, next to what gRPC and Postgres alone do on it in the same run.
//
// Its own Postgres, Redis, Envoy and server processes, in a folder of their own; see docs/performance.md.

import { availableParallelism, loadavg } from 'node:os';
import { killProcesses } from '../scripts/dev/processes.ts';
import { onStopSignal, SetupError } from '../scripts/dev/program.ts';
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
/** A server that has just started is slow until its code is compiled; below a second nobody wants figures, but a look. */
const WARM_UP_SECONDS = 2;

const running: { stop(): Promise<unknown> }[] = [];
let place: Workspace | undefined;
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
  // What is stopped in the middle of its work fails, which is no news.
  await stopping;
  console.error(error instanceof SetupError ? error.message : error);
} finally {
  await cleanUp();
}
process.exit(exitCode);

/** Stops what runs, the last one first, and gives the folder back. */
async function cleanUp(): Promise<void> {
  for (const resource of running.splice(0).reverse()) await resource.stop();
  place?.leave();
  place = undefined;
}

async function bench(options: Options): Promise<number> {
  const cases = casesFor(options.caseNames);
  if (cases.length === 0) throw new SetupError(`no case has ${options.caseNames.join(' or ')} in its name`);
  const loadText = machineLoad();
  place = await acquireWorkspace(process.env);
  if (loadText.isBusy) console.error(`${loadText.words}: others share what is measured, trust ratios alone`);
  const stack = await startStack(place, {
    profile: options.profile,
    seed: async (database) => {
      await seedWallets(database, { firstUser: FIRST_USER, wallets: WALLETS, deposits: DEPOSITS });
      await vacuumAnalyze(database);
    },
    keep: (resource) => {
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
    say: options.json ? () => {} : (line) => console.log(line),
  };
  const runs: Result[][] = [];
  for (let run = 0; run < options.runs; run++) runs.push(await runAll(cases, shared));
  const faults = await stack.database.faults();
  // The profile is written when the server ends.
  for (const resource of running.splice(0).reverse()) await resource.stop();
  return report(options, loadText.words, runs, faults, options.profile ? sharesIn(stack.profileDir) : []);
}

/** What the machine had to do before the run began. */
function machineLoad() {
  const [load = 0] = loadavg();
  const cores = availableParallelism();
  return { isBusy: load > cores / 2, words: `load ${load.toFixed(1)} on ${cores} cores before the run` };
}

async function runAll(cases: readonly Case[], shared: Omit<Bench, 'results'>): Promise<Result[]> {
  const results: Result[] = [];
  for (const which of cases) {
    const found = await which.run({ ...shared, results });
    if (typeof found === 'string') {
      console.error(`${which.name} is left out: ${found}`);
      continue;
    }
    for (const result of found) shared.say(resultText(result));
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
      for (const { name, share } of shares) console.log(`  ${name.padEnd(24)}${(share * 100).toFixed(1)} %`);
    }
  }
  if (options.draw) drawPage(cases, ratios, `npm run bench -- ${asTyped(process.argv.slice(2))}`, loadText);
  for (const fault of faults) console.error(`THE BOOKS DO NOT BALANCE: ${fault}`);
  for (const { name, errors, problems } of cases)
    if (errors > 0) console.error(`${name}: ${errors} errors: ${problems.join(', ')}`);
  return faults.length > 0 || cases.some(({ errors }) => errors > 0) ? 1 : 0;
}

/** Arguments as they are typed into a shell. */
function asTyped(args: readonly string[]): string {
  return args.map((arg) => (/^[\w.,-]+$/.test(arg) ? arg : `"${arg}"`)).join(' ');
}
