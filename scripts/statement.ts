// `npm run statement -- october.csv --user 1001`: writes the statement of a wallet into a file, and checks that it is whole.
import { existsSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { type Connection, connect, type Json } from '../clients/typescript/src/connection.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import { describeError } from './cli/cli-call.ts';
import { readDevInfo, signingKeyIn } from './cli/dev-info.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { createProgress } from './cli/progress.ts';
import { CALL_VARIABLES, checkSigner, readSettings } from './cli/variables.ts';
import { type Count, countRecords, type Format } from './statement/count-records.ts';

const USAGE = `usage: npm run statement -- FILE --user ID
  FILE                what is written: .csv for spreadsheets, .ndjson for programs; it must not be there yet
  --wallet ID         the wallet of the user; the default wallet when left out
  --from TIME         2026-10-01 or 2026-10-01T00:00:00Z; the wallet's first transfer when left out
  --before TIME       the end, not part of it; now when left out
Days begin at midnight in UTC. The file is there only once it is whole: until then it is FILE.part.
docs/statements.md says what is in it.`;

const [FAILED, INTERRUPTED] = [1, 130];
const FORMATS: Readonly<Record<Format, string>> = {
  csv: 'STATEMENT_FORMAT_CSV',
  ndjson: 'STATEMENT_FORMAT_NDJSON',
};

reportCrashes();
// In a log there is nothing to watch.
const progress = process.stderr.isTTY ? createProgress(process.stderr) : undefined;
const { dataDir, signer } = readSettings(CALL_VARIABLES, checkSigner);
const cancelled = new AbortController();
onStopSignal(
  () => cancelled.abort(),
  () => process.exit(INTERRUPTED),
);
process.exit(await run().catch(fail));

async function run(): Promise<number> {
  const { name, format, user, wallet, from, before } = readOptions();
  const { grpcAddress, keys } = readDevInfo(dataDir);
  const connection = connect(grpcAddress, signingKeyIn(keys, signer));
  const part = `${name}.part`;
  try {
    const wallet_id = wallet ?? (await defaultWallet(connection, user));
    const request = { wallet_id, format: FORMATS[format], created_from: from, created_before: before };
    const pieces = connection.statement(request, { userId: user }, { signal: cancelled.signal });
    const count = await write(part, pieces, format);
    await rename(part, name);
    console.error(
      `${name}: ${count.transfers.toLocaleString('en')} transfers before ${count.last}, balance ${count.balance}`,
    );
    return 0;
  } finally {
    progress?.end();
    connection.close();
  }
}

/** Writes the pieces as fast as the disk takes them. What is not whole does not stay. */
async function write(path: string, pieces: AsyncIterable<Uint8Array>, format: Format): Promise<Count> {
  const records = countRecords(format);
  // Nobody else may read it.
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of pieces) {
      await file.writeFile(piece);
      showProgress(records.add(piece));
    }
    const count = records.add(new Uint8Array());
    if (count.promised !== count.transfers)
      throw new SetupError(
        `the last line says ${count.promised} transfers, and there are ${count.transfers}`,
      );
    await file.sync();
    return count;
  } catch (error) {
    rmSync(path, { force: true });
    console.error('Nothing was kept. The same command starts over; --from and --before make it shorter');
    throw error;
  } finally {
    await file.close();
  }
}

/** How many transfers there will be is not known, but how long the period is. */
function showProgress({ first, last, transfers }: Count): void {
  const [begun, now] = [Date.parse(first), Date.parse(last)];
  const end = Date.now();
  progress?.show({
    what: 'reading',
    done: now - begun,
    of: Math.max(end - begun, 1),
    count: `${transfers.toLocaleString('en')} transfers, to ${last.slice(0, 10)}`,
    note: '',
  });
}

function readOptions() {
  const { values, positionals } = readCommandLine(USAGE, {
    user: { type: 'string', short: 'u' },
    wallet: { type: 'string' },
    from: { type: 'string' },
    before: { type: 'string' },
  });
  const [name, ...rest] = positionals;
  const { user, wallet } = values;
  if (name === undefined || rest.length > 0) throw new SetupError(USAGE);
  if (user === undefined) throw new SetupError('whose wallet is it? --user 1001');
  const format = /\.(csv|ndjson)$/.exec(name)?.[1] as Format | undefined;
  if (!format) throw new SetupError(`the file's name ends with .csv or .ndjson, not as "${name}" does`);
  for (const path of [name, `${name}.part`])
    if (existsSync(path)) throw new SetupError(`${path} is there already; remove it, or take another name`);
  return {
    ...{ name, format, user, wallet: wallet?.toLowerCase() },
    from: readTime('--from', values.from),
    before: readTime('--before', values.before),
  };
}

/** A time in RFC 3339, of a day too. */
function readTime(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
  if (/^\d{4}-\d\d-\d\dT/.test(time) && !Number.isNaN(Date.parse(time))) return time;
  throw new SetupError(`${option} takes 2026-10-01 or 2026-10-01T00:00:00Z, not "${text}"`);
}

/** The user's default wallet, which is the first of the list. */
async function defaultWallet(connection: Connection, userId: string): Promise<string> {
  const page = await connection.call('wallet.v2.WalletService/ListWallets', { page_size: 1 }, { userId });
  return String((page.wallets as Json[])[0]?.wallet_id);
}

function fail(error: unknown): number {
  console.error(cancelled.signal.aborted ? 'interrupted' : describeError(error, dataDir));
  return cancelled.signal.aborted ? INTERRUPTED : FAILED;
}
