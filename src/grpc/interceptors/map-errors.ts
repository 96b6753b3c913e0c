// Turns whatever went wrong inside into a refusal that a caller may see; the log keeps the rest.
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/** What the interceptor needs of the house around it. */
export interface ErrorMapping {
  /** The refusal that an error of another part means to a caller (a database that is away, say), if it means one. */
  explain(error: unknown): Refusal | undefined;
  /** Told of errors that nobody expected. */
  report(error: unknown, about: { requestId: string; path: string }): void;
}

/** Lets refusals through and makes INTERNAL of everything that is neither a refusal nor explained. */
export function mapErrors({ explain, report }: ErrorMapping): Interceptor {
  return async (call, next) => {
    try {
      return await next();
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const explained = explain(error);
      if (explained) throw explained;
      report(error, { requestId: call.requestId, path: call.path });
      throw new Refusal('INTERNAL');
    }
  };
}
