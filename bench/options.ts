// What is asked for on the command line.
import { parseArgs } from 'node:util';
import { SetupError } from '../scripts/dev/setup-error.ts';

/** How to run. */
export interface Options {
  readonly seconds: number;
  readonly inFlight: number;
  readonly clients: number;
  readonly runs: number;
  readonly caseParts: readonly string[];
  readonly json: boolean;
  readonly draw: boolean;
  readonly profile: boolean;
}

/** Reads the options. Throws a SetupError in one line where they make no sense. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args);
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
    caseParts: values.case,
    json: values.json,
    draw: values.draw,
    profile: values.profile,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        // How long each case is measured, after a warm-up.
        seconds: { type: 'string', default: '4' },
        // How many calls are under way at a time.
        inflight: { type: 'string', default: '256' },
        // How many processes make the calls.
        clients: { type: 'string', default: '1' },
        // How often everything is measured; the medians count.
        runs: { type: 'string', default: '1' },
        // Only the cases with this in their names; may be given several times. Long cases run only so.
        case: { type: 'string', multiple: true, default: [] },
        // The results as JSON on stdout, and nothing else there.
        json: { type: 'boolean', default: false },
        // Prints tables and pictures into docs/performance.md.
        draw: { type: 'boolean', default: false },
        // Where the server's time went, instead of how fast it was: profiling costs speed.
        profile: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new SetupError((error as Error).message.split('\n')[0]);
  }
}
