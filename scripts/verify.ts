// `npm run verify`: checks a receipt offline, or the whole transparency log against the database.
import { open } from 'node:fs/promises';
import { createPool, type Pool } from '../src/db/pool.ts';
import { listVerifiers } from '../src/db/transparency/index.ts';
import { errorText } from '../src/domain/error-fields.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import { type LogVerifier, parseVerifier } from '../src/transparency/index.ts';
import { readDevInfo } from './cli/dev-info.ts';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';
import { readSettings, VERIFY_VARIABLES } from './cli/variables.ts';
import { dumpLog } from './verify/dump.ts';
import { openKeptFiles } from './verify/kept-files.ts';
import { readEvidence, readLog } from './verify/ledger-log.ts';
import { verifyLog } from './verify/log.ts';
import { MOST_RECEIPT_BYTES, type VerifiedReceipt, verifyReceipt } from './verify/receipt.ts';

const USAGE = `usage: npm run verify -- [RECEIPT] [OPTIONS]
  RECEIPT             the JSON of a receipt; without it the whole log is checked against the database
  --key KEY           a public key of the log, name+id+key; may be given several times. With it a receipt is checked offline;
                      without it the keys are those of the database, which proves nothing against its owner
  --checkpoints DIR   the whole log is also checked against the checkpoints that a worker saved there
  --dump FILE         writes the log into FILE for another verifier, instead of checking it
The database is DATABASE_URL (a login as ppuri_app) with ARCHIVE_DATABASE_URL, or that of a running npm start.
docs/receipts.md says what is proven.`;

const STATEMENT_TIMEOUT_MS = 60_000;

reportCrashes();
await runCli(async () => {
  const { values, positionals } = readCommandLine(USAGE, {
    key: { type: 'string', multiple: true, default: [] },
    checkpoints: { type: 'string' },
    dump: { type: 'string' },
  });
  const given = values.key.map(
    (text) => parseVerifier(text) ?? fail(`"${text}" is no public key of the form name+id+key`),
  );
  const [path, ...more] = positionals;
  if (more.length > 0) fail(USAGE);
  if (path === undefined) return withDatabase((places) => checkLog(places, given, values));
  const json = await readReceipt(path);
  const keys = given.length > 0 ? given : await withDatabase(({ reads }) => storedKeys(reads));
  console.log(describe(verifyReceipt(json, keys)));
});

type Places = { readonly reads: Pool; readonly archive: Pool | undefined };

async function checkLog(
  places: Places,
  given: readonly LogVerifier[],
  { checkpoints, dump }: { readonly checkpoints?: string | undefined; readonly dump?: string | undefined },
): Promise<void> {
  if (dump !== undefined) {
    console.log(`${dump}: ${await dumpLog(places, dump)} leaves`);
    return;
  }
  const files = checkpoints === undefined ? undefined : await openKeptFiles(checkpoints);
  const keys = given.length > 0 ? given : await storedKeys(places.reads);
  const report = await verifyLog(readLog(places), await readEvidence(places.reads, files, keys));
  if (report.fault) fail(`first bad leaf: ${report.fault.leaf}: ${report.fault.reason}`);
  console.log(`valid: ${report.leaves} leaves, ${report.checkpoints} checkpoints`);
}

async function storedKeys(pool: Pool): Promise<LogVerifier[]> {
  return (await listVerifiers(pool)).flatMap((text) => parseVerifier(text) ?? []);
}

/** Never more of a file than a receipt may have. */
async function readReceipt(path: string): Promise<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) =>
    fail(`cannot read ${path}: ${error.code}`),
  );
  try {
    const bytes = Buffer.alloc(MOST_RECEIPT_BYTES + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, bytesRead));
  } catch (error) {
    return fail(
      error instanceof TypeError ? `${path} is not UTF-8` : `cannot read ${path}: ${errorText(error)}`,
    );
  } finally {
    await file.close();
  }
}

async function withDatabase<T>(work: (places: Places) => Promise<T>): Promise<T> {
  const { databaseUrl, archiveDatabaseUrl, dataDir } = readSettings(VERIFY_VARIABLES);
  const own = databaseUrl === undefined ? readDevInfo(dataDir) : { databaseUrl, archiveDatabaseUrl };
  const connect = (url: string) =>
    createPool({
      url,
      maxConnections: 2,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      onIdleError: (error) => console.error(errorText(error)),
    });
  const reads = connect(own.databaseUrl);
  const archive = own.archiveDatabaseUrl === undefined ? undefined : connect(own.archiveDatabaseUrl);
  try {
    return await work({ reads, archive });
  } finally {
    await Promise.all([reads.end(), archive?.end()]);
  }
}

function describe({ fields, sides, checkpoint }: VerifiedReceipt): string {
  const posted = new Date(Math.floor(fields.createdAt / 1000)).toISOString();
  return [
    `valid: transfer ${fields.transferId}, ${fields.kind} of ${fields.amount} ${fields.currency} (smallest units)`,
    `  posted ${posted}`,
    ...sides.map(
      ({ party, userId, walletId }) =>
        `  ${party === 'debit' ? 'paid by' : 'paid to'} user ${userId}, wallet ${walletId}`,
    ),
    `  leaf ${fields.leaf} of the log ${checkpoint.origin} of ${checkpoint.size} leaves`,
  ].join('\n');
}

function fail(line: string): never {
  throw new SetupError(line);
}
