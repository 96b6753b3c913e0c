// The spans of statements: their names only, never their text or what they are given.
import type { Pool } from '../../db/pool.ts';
import type { Spans } from './spans.ts';

type Query = (statement: unknown, ...rest: unknown[]) => unknown;

/** Gives each statement of this pool a span, where it is part of a sampled call, batch or job. */
export function traceStatements(spans: Spans, pool: Pool, poolName: string): void {
  const traced = (query: Query): Query =>
    function tracedQuery(statement, ...rest) {
      // With a callback it is the pool that asks, for a statement that has its span already.
      if (typeof rest.at(-1) === 'function') return query(statement, ...rest);
      const name = nameOf(statement);
      const attributes = {
        'db.system.name': 'postgresql',
        'db.query.summary': name,
        'ppuri.pool': poolName,
      };
      return spans.child(name, { attributes }, () => query(statement, ...rest) as Promise<unknown>);
    };
  replaceQuery(pool, traced);
  pool.on('connect', (client) => replaceQuery(client, traced));
}

function replaceQuery(target: Pick<Pool, 'query'>, traced: (query: Query) => Query): void {
  const query = target.query.bind(target) as Query;
  Object.assign(target, { query: traced(query) });
}

/** The name of a prepared statement, or else the first word of the text. */
function nameOf(statement: unknown): string {
  if (typeof statement === 'string') return firstWord(statement);
  const { name, text } = statement as { readonly name?: unknown; readonly text?: unknown };
  if (typeof name === 'string') return name;
  return typeof text === 'string' ? firstWord(text) : 'statement';
}

function firstWord(text: string): string {
  return /^\s*([A-Za-z]{1,16})/.exec(text)?.[1]?.toUpperCase() ?? 'statement';
}
