// Makes every error a refusal that a caller may see. The log keeps the details.
import { Refusal } from '../../domain/refusal.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
import type { Interceptor } from '../interceptor.ts';

/** How errors that are no refusals are mapped and reported. */
export interface ErrorMapping {
  /** The refusal for an error of a dependency, such as UNAVAILABLE for a database that is down; undefined for others. */
  explain(error: unknown): Refusal | undefined;
  /** Called for unexpected errors. */
  report(error: unknown, about: { requestId: string; path: string; trace: TraceContext | undefined }): void;
}

/** Passes refusals on. Every error that is neither a refusal nor explained is reported and becomes INTERNAL. */
export function mapErrors({ explain, report }: ErrorMapping): Interceptor {
  return async function mapErrors(call, next) {
    try {
      return await next();
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const explained = explain(error);
      if (explained) throw explained;
      report(error, { requestId: call.requestId, path: call.path, trace: call.trace });
      throw new Refusal('INTERNAL');
    }
  };
}
