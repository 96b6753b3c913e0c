// Ends a process after an unexpected error. Node itself would print the whole error, with statements and parameters.
import { errorFields } from '../domain/error-fields.ts';
import { errorInSchema } from './app-log.ts';
import { ECS_VERSION } from './log-lines.ts';

/** What may be printed of an error that ends a process, as one line of JSON. */
export function crashReport(error: unknown): string {
  return JSON.stringify({
    '@timestamp': new Date().toISOString(),
    'log.level': 'fatal',
    message: 'ended by an error',
    'ecs.version': ECS_VERSION,
    'service.name': 'ppuri',
    'event.dataset': 'ppuri.app',
    'process.pid': process.pid,
    ...errorInSchema(errorFields(error)),
  });
}

/** From now on an uncaught error is printed by an allow list of its fields, and ends the process with 1. */
export function reportCrashes(): void {
  process.on('uncaughtException', (error) => {
    console.error(crashReport(error));
    process.exit(1);
  });
}
