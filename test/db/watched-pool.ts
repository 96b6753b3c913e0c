// A pool of connections whose statements a test sees, and changes where it tests what a guard is good for.
import type pg from 'pg';

/** Watches a pool: `see` is called for every statement, `change` says what is sent in its place. */
export function watched(
  target: pg.Pool,
  see: (text: string) => void,
  change = (text: string) => text,
): pg.Pool {
  return new Proxy(target, {
    get(inner, name) {
      if (name === 'query') return counted(inner, see);
      if (name !== 'connect') return Reflect.get(inner, name);
      return async () => {
        const client = await inner.connect();
        const query = client.query.bind(client) as (statement: unknown) => Promise<unknown>;
        const wrapped = (statement: string | { text: string; name?: string }) => {
          const text = typeof statement === 'string' ? statement : statement.text;
          see(text);
          const changed = change(text);
          if (typeof statement === 'string' || changed === text) return query(statement);
          return query({ ...statement, text: changed, name: `${statement.name}-changed` });
        };
        return new Proxy(client, { get: (own, key) => (key === 'query' ? wrapped : bound(own, key)) });
      };
    },
  });
}

function bound(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}

/** The pool's own query, which takes a connection by itself. */
function counted(pool: pg.Pool, see: (text: string) => void) {
  const query = pool.query.bind(pool) as (statement: unknown, values?: unknown) => Promise<unknown>;
  return (statement: string | { text: string }, values?: unknown) => {
    see(typeof statement === 'string' ? statement : statement.text);
    return query(statement, values);
  };
}
