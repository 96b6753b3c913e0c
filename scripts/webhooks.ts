// `npm run webhooks -- listen --since 2h`: shows the events of a running ppuri in a terminal, and forwards them signed, as a
// webhook would send them.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connect, type Json } from '../clients/typescript/src/connection.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import { describeError } from './cli/cli-call.ts';
import { readDevInfo, signingKeyIn } from './cli/dev-info.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { CALL_VARIABLES, checkSigner, readSettings } from './cli/variables.ts';
import { createForward, type Forward } from './webhooks/forward.ts';

const USAGE = `usage: npm run webhooks -- listen [--since 2h] [--types TYPE,…] [--forward URL]
  --since TIME     begins with what happened 30m, 2h or 7d ago; without it with what happens from now on
  --types TYPE,…   only these types, such as transfer.posted; all when left out
  --forward URL    sends each event there as a webhook would, signed with a secret that is printed; http is for this machine only
The key of the call needs the scope events. docs/webhooks.md says what a receiver has to do.`;

const LIST = 'wallet.v2.EventService/ListEvents';
const PAGE_SIZE = 100;
/** How often it asks for more once it has shown all, in milliseconds. */
const POLL_MS = 500;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const INTERRUPTED = 130;

reportCrashes();
const stopping = new AbortController();
onStopSignal(
  () => stopping.abort(),
  () => process.exit(INTERRUPTED),
);
const { dataDir, signer } = readSettings(CALL_VARIABLES, checkSigner);
process.exit(await run().catch(fail));

/** What the command line asks for. */
interface ListenOptions {
  /** In milliseconds since 1970; undefined for what happens from now on. */
  readonly since: number | undefined;
  readonly types: readonly string[];
  readonly forward: string | undefined;
}

async function run(): Promise<number> {
  const options = readOptions();
  const { grpcAddress, keys } = readDevInfo(dataDir);
  const connection = connect(grpcAddress, signingKeyIn(keys, signer));
  const forward = options.forward === undefined ? undefined : createForward(options.forward);
  try {
    await listen(connection, options, forward);
    return 0;
  } finally {
    forward?.[Symbol.dispose]();
    connection.close();
  }
}

async function listen(connection: Connection, options: ListenOptions, forward?: Forward): Promise<void> {
  const { since, types } = options;
  let after_cursor = since === undefined ? 'latest' : '';
  while (!stopping.signal.aborted) {
    const page = await connection.call(LIST, { after_cursor, types: [...types], page_size: PAGE_SIZE }, {});
    const events = page.events as Json[];
    for (const event of events) {
      if (since !== undefined && Date.parse(String(event.occurred_at)) < since) continue;
      console.log(`${event.occurred_at} ${event.sequence} ${event.type} ${event.subject}`);
      await forward?.send(event, stopping.signal);
      if (stopping.signal.aborted) return;
    }
    const isAtEnd = page.next_cursor === after_cursor || events.length < PAGE_SIZE;
    after_cursor = String(page.next_cursor);
    if (isAtEnd) await sleep(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {});
  }
}

function readOptions(): ListenOptions {
  const { values, positionals } = readCommandLine(USAGE, {
    since: { type: 'string' },
    types: { type: 'string' },
    forward: { type: 'string' },
  });
  if (positionals.length !== 1 || positionals[0] !== 'listen') throw new SetupError(USAGE);
  const { since, types, forward } = values;
  return {
    since: since === undefined ? undefined : Date.now() - readAge(since),
    types: types?.split(',').filter((type) => type !== '') ?? [],
    forward,
  };
}

function readAge(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (unitMs === undefined) throw new SetupError(`--since takes a time such as 30m, 2h or 7d, not "${text}"`);
  return Number(count) * unitMs;
}

function fail(error: unknown): number {
  console.error(error instanceof SetupError ? error.message : describeError(error, dataDir));
  return 1;
}
