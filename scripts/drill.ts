// `npm run drill -- restore`: breaks throw-away nodes under traffic, brings them back, and says what was lost and how long it took.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportCrashes } from '../src/runtime/crash.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { endCommands, killProcesses } from './dev/processes.ts';
import {
  DAMAGE_NAMES,
  type DrillOptions,
  type DrillReport,
  keepsPromise,
  reportText,
} from './ops/drills/drill.ts';
import { type JudgedDrill, tableOf } from './ops/drills/table.ts';

reportCrashes();

interface Drill {
  readonly about: string;
  /** The most seconds from the damage to the first payment, unless the report says another limit. */
  readonly rtoLimitSeconds: number;
  load(): Promise<(options: DrillOptions) => Promise<DrillReport>>;
}

/** Every drill, loaded only when it is run. */
const DRILLS: Readonly<Record<string, Drill>> = {
  restore: {
    about: "an operator's wrong UPDATE and DROP TABLE, and the restore to the moment before",
    rtoLimitSeconds: 120,
    load: async () => (await import('./ops/drills/restore.ts')).restoreDrill,
  },
  failover: {
    about: 'the primary is lost (--damage), a standby takes over, and the old primary comes back',
    rtoLimitSeconds: 30,
    load: async () => (await import('./ops/drills/failover.ts')).failoverDrill,
  },
  redis: {
    about: 'Redis is emptied, then replaced by an empty one, with jobs in its queue and wallets in its cache',
    rtoLimitSeconds: 10,
    load: async () => (await import('./ops/drills/redis.ts')).redisDrill,
  },
  backups: {
    about:
      'the real backups of BACKUP_URL, restored into a throw-away folder; notes that it worked beside them',
    rtoLimitSeconds: 24 * 60 * 60,
    load: async () => (await import('./ops/drills/backups.ts')).backupsDrill,
  },
};

const USAGE = `usage: npm run drill -- DRILL [OPTIONS]
${Object.entries(DRILLS)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join('\n')}
  --seed N     the same seed gives the same traffic and damage (1)
  --seeds N    N drills one after the other, with the seeds from --seed on, printed as a table
  --damage D   of failover: ${DAMAGE_NAMES.join(', ')}; by the seed when left out
  --json       print the report as JSON, or {"error": …}; one line a drill with --seeds
The exit code is 1 where the promise is broken.`;
const log = (line: string) => console.error(line);

let folder = '';
const cleanUp = () => {
  endCommands();
  killProcesses();
  if (folder) rmSync(folder, { recursive: true, force: true });
};
const abort = () => {
  cleanUp();
  process.exit(1);
};
onStopSignal(abort, abort);
try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error: error.message }));
} finally {
  cleanUp();
}
process.exit();

async function main(): Promise<boolean> {
  const { positionals, values } = readCommandLine(USAGE, {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '' },
    damage: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  });
  const [name = ''] = positionals;
  const drill = DRILLS[name];
  if (!drill) throw new SetupError(USAGE);
  const seed = wholeNumber('seed', values.seed);
  const damage = DAMAGE_NAMES.find((known) => known === values.damage);
  if (values.damage && (!damage || name !== 'failover'))
    throw new SetupError(`--damage is for failover, and one of ${DAMAGE_NAMES.join(', ')}`);
  if (!values.seeds) {
    const { report, isKept } = await runOnce(drill, { seed, damage });
    console.log(values.json ? JSON.stringify(report, null, 2) : reportText(report));
    return isKept;
  }
  const runs: JudgedDrill[] = [];
  for (const next of Array.from({ length: wholeNumber('seeds', values.seeds) }, (_, index) => seed + index)) {
    const run = await runOnce(drill, { seed: next, damage });
    runs.push(run);
    log(JSON.stringify({ ...run.report, steps: undefined, load: run.load }));
    if (values.json) console.log(JSON.stringify(run.report));
  }
  if (!values.json) console.log(tableOf(runs));
  return runs.every(({ isKept }) => isKept);
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new SetupError(`--${option} takes a whole number, not "${text}"`);
  return Number(text);
}

async function runOnce(drill: Drill, options: Omit<DrillOptions, 'folder' | 'log'>): Promise<JudgedDrill> {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-drill-'));
  const run = await drill.load();
  const report = await run({ ...options, folder, log });
  rmSync(folder, { recursive: true, force: true });
  const isKept = keepsPromise(report, report.rtoLimitSeconds ?? drill.rtoLimitSeconds);
  return { report, isKept, load: loadavg()[0] ?? 0 };
}
