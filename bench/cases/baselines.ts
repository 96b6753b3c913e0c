// What ppuri is compared with: gRPC that does nothing, and PostgreSQL with nothing in front of it.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Target } from '../generator/protocol.ts';
import type { Bench, Case } from './case.ts';
import { measure } from './measure.ts';

/** Bytes there and back, by the same generator over as many connections. */
export const ECHO: Case = echo('bare gRPC echo', () => undefined);

/** The same with signed calls that nobody verifies: the cost of signing in the generator. */
export const SIGNED_ECHO: Case = echo('gRPC echo of signed calls', (bench) => bench.stack.key);

function echo(name: string, keyOf: (bench: Bench) => Bench['stack']['key'] | undefined): Case {
  return {
    name,
    run: async (bench) => {
      const body = Buffer.from('twenty bytes of echo');
      const key = keyOf(bench);
      const target: Target = {
        kind: 'grpc',
        address: bench.stack.echoAddress,
        calls: [{ method: 'POST', path: '/bench.Echo/Echo', body, identity: key ? { userId: '1001' } : {} }],
        key,
        isIdempotent: false,
      };
      return [await measure(bench, { name, target, programs: ['echo'] })];
    },
  };
}

/** The classical way is fastest with this many connections on two cores. */
const CONNECTIONS = 8;
const ACCOUNTS = 1000;
const PAIRS = 10_000;

type Pair = readonly [debit: number, credit: number];

/** Between two random accounts. */
export const CLASSICAL_UNIFORM = classical('Postgres alone, uniform', 'function', CONNECTIONS, () => {
  const debit = randomInt(ACCOUNTS);
  return [debit, (debit + randomInt(1, ACCOUNTS)) % ACCOUNTS];
});

/** All into one account. */
export const CLASSICAL_HOT = classical('Postgres alone, all into one', 'function', CONNECTIONS, () => [
  randomInt(1, ACCOUNTS),
  0,
]);

/** One transfer at a time, in the statements of a plain transaction. */
export const BY_HAND = classical('Postgres by hand, one at a time', 'hand', 1, () => {
  const debit = randomInt(ACCOUNTS);
  return [debit, (debit + randomInt(1, ACCOUNTS)) % ACCOUNTS];
});

function classical(name: string, by: 'function' | 'hand', connections: number, pair: () => Pair): Case {
  return {
    name,
    run: async (bench) => {
      await prepare(bench);
      const target: Target = {
        kind: 'postgres',
        url: bench.stack.database.ownerUrl,
        accounts: Array.from({ length: PAIRS }, pair),
        by,
      };
      const programs = ['postgres'] as const;
      const inFlight = connections;
      return [
        await measure(
          { ...bench, clients: 1 },
          { name, target, programs, connections, inFlight, transfersPerCall: 1 },
        ),
      ];
    },
  };
}

/** Creates the schema with the classical tables. */
async function prepare({ stack: { database } }: Bench): Promise<void> {
  const [row] = await database.rows(`SELECT FROM pg_namespace WHERE nspname = 'classical'`);
  if (row) return;
  await database.run(readFileSync(new URL('../env/classical.sql', import.meta.url), 'utf8'));
  await database.run('VACUUM ANALYZE classical.accounts');
}
