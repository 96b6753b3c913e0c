// `npm run bench`: what the machine does, next to what gRPC and Postgres alone do on it in the same run.
//
// Its own Postgres, Redis, Envoy and server processes, in a folder of their own; see docs/performance.md.

import { killParts } from '../scripts/dev/processes.ts';
import { SetupError } from '../scripts/dev/setup-error.ts';
import { onStopSignal } from '../scripts/dev/stop-signals.ts';
import type { Bench, Result } from './cases/case.ts';
import { casesFor } from './cases/list.ts';
import { type Options, readOptions } from './options.ts';
import { fill, settle, walletsOf } from './parts/fill.ts';
import { takePlace } from './parts/place.ts';
import { startStack } from './parts/stack.ts';
import { sharesIn } from './report/profile.ts';
import { medianRatios, medianResults, ratiosOf } from './report/ratios.ts';
import { ratioText, resultText } from './report/text.ts';

const FIRST_USER = 100_001;
const WALLETS = 1000;
const DEPOSITS = 40;
/** A server that has just started is slow until its code is compiled; below a second nobody wants figures, but a look. */
const WARM_UP_SECONDS = 2;

onStopSignal(
  () => process.exit(130),
  () => process.exit(130),
);
process.on('exit', killParts);

try {
  process.exitCode = await bench(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
}
process.disconnect?.();

async function bench(options: Options): Promise<number> {
  const cases = casesFor(options.caseParts);
  if (cases.length === 0) throw new SetupError(`no case has ${options.caseParts.join(' or ')} in its name`);
  const say = options.json ? () => {} : (line: string) => console.log(line);
  const place = await takePlace(process.env);
  try {
    const stack = await startStack(place, {
      profile: options.profile,
      fillFirst: async (database) => {
        await fill(database, { firstUser: FIRST_USER, wallets: WALLETS, deposits: DEPOSITS });
        await settle(database);
      },
    });
    const runs: Result[][] = [];
    let faults: string[] = [];
    try {
      const wallets = await walletsOf(stack.database, FIRST_USER, WALLETS);
      const { seconds, inFlight, clients } = options;
      const warmUpSeconds = seconds < 1 ? seconds / 3 : WARM_UP_SECONDS;
      for (let run = 0; run < options.runs; run++) {
        const results: Result[] = [];
        const shared: Bench = { stack, wallets, seconds, warmUpSeconds, inFlight, clients, results, say };
        for (const which of cases) {
          const found = await which.run(shared);
          if (typeof found === 'string') console.error(`${which.name} is left out: ${found}`);
          else for (const result of found) say(resultText(result));
          if (typeof found !== 'string') results.push(...found);
        }
        runs.push(results);
      }
      faults = await stack.database.faults();
    } finally {
      await stack.stop();
    }
    return report(options, runs, faults, options.profile ? sharesIn(stack.profileDir) : []);
  } finally {
    place.leave();
  }
}

function report(
  options: Options,
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
  for (const fault of faults) console.error(`THE BOOKS DO NOT BALANCE: ${fault}`);
  for (const { name, errors, problems } of cases)
    if (errors > 0) console.error(`${name}: ${errors} errors: ${problems.join(', ')}`);
  return faults.length > 0 || cases.some(({ errors }) => errors > 0) ? 1 : 0;
}
