// The options of `npm run bench`.
import { readCommandLine, SetupError } from '../scripts/cli/program.ts';

/** The options. */
export interface Options {
  readonly seconds: number;
  readonly inFlight: number;
  readonly clients: number;
  readonly runs: number;
  readonly caseNames: readonly string[];
  readonly json: boolean;
  readonly draw: boolean;
  readonly profile: boolean;
}

/** Reads the options. Throws a SetupError of one line when they are invalid. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  if (positionals.length > 0) throw new SetupError(USAGE);
  const whole = (name: 'inflight' | 'clients' | 'runs') => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1)
      throw new SetupError(`--${name} must be a whole number from 1 on`);
    return value;
  };
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new SetupError('--seconds must be a number above zero');
  return {
    seconds,
    inFlight: whole('inflight'),
    clients: whole('clients'),
    runs: whole('runs'),
    caseNames: values.case,
    json: values.json,
    draw: values.draw,
    profile: values.profile,
  };
}

const USAGE = `usage: npm run bench -- [options]
  --seconds N     how long each case is measured, after a warm-up (4)
  --inflight N    how many calls are under way at a time (256)
  --clients N     how many processes make the calls (1)
  --runs N        how often everything is measured; the medians count (1)
  --case NAME     only the cases with this in their names, or as their name; may be given several times. Long cases run only so
  --json          the results as JSON on stdout, and nothing else there
  --draw          prints tables and pictures into docs/performance.md
  --profile       where the server's time went, instead of how fast it was: profiling costs speed`;

function parse(args: readonly string[]) {
  return readCommandLine(
    USAGE,
    {
      seconds: { type: 'string', default: '4' },
      inflight: { type: 'string', default: '256' },
      clients: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1' },
      case: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      draw: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
    args,
  );
}
