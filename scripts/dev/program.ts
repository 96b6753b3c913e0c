// What every program of this repository does alike: read its command line, report a wrong setup, stop on a signal.
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Something about this machine or the settings is in the way; the message is one line that says what to do. */
export class SetupError extends Error {}

const HELP = { help: { type: 'boolean', short: 'h' } } as const;

/**
 * Reads options and positional arguments. Prints the usage and ends the program where it is asked for help; throws a
 * SetupError with the usage where an option is not known or lacks its value.
 */
export function readCommandLine<const Options extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: Options,
  args: readonly string[] = process.argv.slice(2),
) {
  const parsed = parse(usage, options, args);
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage);
    process.exit(0);
  }
  return parsed;
}

function parse<const Options extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: Options,
  args: readonly string[],
) {
  try {
    return parseArgs({ args: [...args], options: { ...options, ...HELP }, allowPositionals: true });
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('. ')[0]}\n${usage}`);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives up to three times: from the terminal, from npm and from the bootstrap. */
const SAME_MS = 500;

/** Calls `stop` the first time, and `hurry` when whoever asked asks again. */
export function onStopSignal(stop: () => void, hurry: () => void): void {
  let firstAt: number | undefined;
  const heard = () => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      stop();
    } else if (Date.now() - firstAt > SAME_MS) {
      hurry();
    }
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  // The bootstrap holds the other end of the channel; it closes with it, whatever it died of.
  process.once('disconnect', () => {
    if (firstAt === undefined) heard();
  });
  // Nobody may be left to read what is printed, which is no reason to stop stopping.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
