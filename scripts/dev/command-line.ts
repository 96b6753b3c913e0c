// How every program of this repository reads its command line, and answers --help.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { SetupError } from './setup-error.ts';

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
