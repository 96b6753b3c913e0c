// The plans that Postgres makes for the ledger's statements, also inside of functions and triggers: auto_explain tells the sessions.
import pg from 'pg';
import { Connection } from '../../src/db/connection.ts';
import type { TestDatabase } from '../stack.ts';

/** A node of a plan, as EXPLAIN (FORMAT JSON) has it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'TID Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** How rows of a table are found: by an index with a condition, or without one of the two. */
export interface Scan {
  /** Undefined where an index alone is read, before its table. */
  readonly table: string | undefined;
  readonly index: string | undefined;
  /** Empty for a scan of all that there is. */
  readonly condition: string;
}

/** A statement and how it finds rows. */
export interface SeenPlan {
  readonly text: string;
  readonly scans: readonly Scan[];
}

/** Has every session of a database, which none has begun yet, told of its plans. */
export async function explainEverything({ ownerUrl }: TestDatabase): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'warning',
  };
  for (const [name, value] of Object.entries(settings))
    await client.query(`ALTER DATABASE ${rows[0]?.name} SET ${name} = '${value}'`);
  await client.end();
}

/** Listens to all connections of the ledger that are opened from now on; `stop` ends it. */
export function listenToLedger(): { readonly seen: SeenPlan[]; readonly stop: () => void } {
  const seen: SeenPlan[] = [];
  const { connect } = Connection.prototype;
  Connection.prototype.connect = function listening(this: Connection, ...args: unknown[]) {
    const { options } = (this as unknown as { connectionParameters: { options?: string } })
      .connectionParameters;
    if (options?.includes('enable_seqscan=off'))
      this.on('notice', ({ message }) => {
        const plan = /^duration: .* plan:\n(\{[\s\S]*\})$/.exec(message ?? '')?.[1];
        if (plan) seen.push(toSeenPlan(JSON.parse(plan)));
      });
    return Reflect.apply(connect, this, args);
  } as typeof connect;
  return {
    seen,
    stop: () => {
      Connection.prototype.connect = connect;
    },
  };
}

function toSeenPlan(explained: { 'Query Text': string; Plan: PlanNode }): SeenPlan {
  return { text: explained['Query Text'], scans: [...scansOf(explained.Plan)] };
}

function* scansOf(node: PlanNode): Generator<Scan> {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index } = node;
  const condition = node['Index Cond'] ?? node['TID Cond'] ?? '';
  // A bitmap's rows are those that its index found.
  if (index !== undefined || (table !== undefined && /^(Seq|Tid) Scan$/.test(type)))
    yield { table, index, condition };
  for (const child of node.Plans ?? []) yield* scansOf(child);
}
