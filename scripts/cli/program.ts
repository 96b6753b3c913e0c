// What every program of this repository does alike: read its command line, report a wrong setup, stop on a signal.
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** An error of the machine or the settings that the user can correct; its message says in one line how. */
export class SetupError extends Error {}

/** Runs a program; where it throws a SetupError, prints its message and makes the exit code 1. */
export async function runCli(main: () => unknown): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

const HELP = { help: { type: 'boolean', short: 'h' } } as const;

/**
 * Reads options and positional arguments. With --help it prints the usage and exits; throws a SetupError with the usage
 * when an option is unknown or has no value.
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
/** One Ctrl-C arrives up to three times: from the terminal, npm and bootstrap.mjs. */
const SAME_MS = 500;

/**
 * Calls `stop` at the first signal or when the parent process ends, and `hurry` at the next signal. It does not keep a program
 * that is done from ending.
 */
export function onStopSignal(stop: () => void, hurry: () => void): void {
  let firstAt: number | undefined;
  const onSignal = () => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      stop();
    } else if (Date.now() - firstAt > SAME_MS) {
      hurry();
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // The channel to bootstrap.mjs closes when that process ends, even by SIGKILL.
  process.once('disconnect', () => {
    if (firstAt === undefined) onSignal();
  });
  // A listener keeps the channel, and with it the process, alive.
  process.channel?.unref();
  // Output may have no reader any more, which must not interrupt stopping.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
