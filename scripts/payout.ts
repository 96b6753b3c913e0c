// `npm run payout -- october.csv --user 1001`: pays every line of a file, once, and shows how far it is.
import { createInterface } from 'node:readline/promises';
import { connect, type Json } from '../clients/typescript/src/connection.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import { describeError } from './cli/cli-call.ts';
import { dataDirPrefix, readDevInfo, shellWord, signingKeyIn } from './cli/dev-info.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { createProgress } from './cli/progress.ts';
import { CALL_VARIABLES, checkSigner, readSettings } from './cli/variables.ts';
import { checkRows, sumsText } from './payout/check-rows.ts';
import { BadLinesError, type PayoutPlan, type Phase, pay } from './payout/pay.ts';
import type { Problem } from './payout/read-file.ts';
import { keyOf, LONGEST_KEY, readPayments, shown } from './payout/read-file.ts';
import { EXIT, failureText, problemsText, summaryOf } from './payout/report.ts';
import { type Client, retryingClient } from './payout/retrying-client.ts';

const USAGE = `usage: npm run payout -- FILE --user ID
  FILE                         .csv with a header, .ndjson or .jsonl; - for the standard input, CSV unless --format says ndjson.
                               Columns: user_id or wallet_id, amount, and if wanted currency, key, memo.
                               Amounts are in the unit that people count in: 1000 is 1,000 won, 10.50 is ten and a half
                               dollars. (The API counts in the smallest unit: 1050 cents.)
  --wallet ID                  the wallet of the user that pays; the default wallet when left out
  --mode each|all-or-nothing   pay what can be paid (each, when left out), or nothing where one line cannot be
  --key NAME                   the name of this payout: what went out under it is not paid again, and goes on where it
                               stopped. When left out, it is the name of the file
  --memo TEXT                  a note for the user's own history
  --format csv|ndjson
  --yes                        do not ask before paying; scripts need it`;

const WALLETS_A_PAGE = 100;
/** The longest pause between two attempts to connect, in milliseconds. */
const RECONNECT_MS = 1_000;
const KEEPALIVE_MS = 30_000;

const INTERRUPTED: Readonly<Record<Phase, string>> = {
  drafting: 'Nothing was paid. Go on with',
  starting: 'The payout may have started. See with',
  started: 'The payout goes on without you. Watch it again with',
};

reportCrashes();
const progress = createProgress(process.stderr);
const { dataDir, signer } = readSettings(CALL_VARIABLES, checkSigner);
let phase: Phase = 'drafting';
onStopSignal(
  () => {
    progress.end();
    console.error(INTERRUPTED[phase]);
    console.error(
      `  ${dataDirPrefix(dataDir)}npm run payout -- ${process.argv.slice(2).map(shellWord).join(' ')}`,
    );
    process.exit(EXIT.interrupted);
  },
  () => process.exit(EXIT.interrupted),
);
process.exit(await run().catch(fail));

async function run(): Promise<number> {
  const { name, format, user, wallet, isConfirmed, ...options } = readOptions();
  const key = options.key ?? keyOf(name);
  const file = await readPayments(name, format);
  // Without rows these are all problems; otherwise they are reported together with those of the rows.
  if (file.rows.length === 0) refuseProblems(name, file.problems);
  const { grpcAddress, keys } = readDevInfo(dataDir);
  const connection = connect(grpcAddress, signingKeyIn(keys, signer), {
    retry: false,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MS,
    // So that an idle stream notices a dead connection.
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
  });
  const client = retryingClient(connection, user, (line) => progress.log(line));
  const payer = await findWallet(client, user, wallet);
  const checked = checkRows(file.rows, payer.currency);
  refuseProblems(name, [...file.problems, ...checked.problems]);
  const plan: PayoutPlan = {
    ...options,
    walletId: payer.id,
    key,
    lines: checked.lines,
  };
  console.error(`${shown(name)}: ${sumsText(plan.lines)}, out of wallet ${payer.id}`);
  if (!isConfirmed) await confirm();
  try {
    const outcome = await pay(client, plan, progress, (now) => {
      phase = now;
    });
    const { text, exitCode } = summaryOf(outcome);
    for (const failure of outcome.failures) console.log(failureText(name, failure));
    console.log(text);
    return exitCode;
  } catch (error) {
    if (!(error instanceof BadLinesError)) throw error;
    for (const failure of error.failures) console.log(failureText(name, failure));
    throw new SetupError(
      'Nothing was paid, because some lines cannot be paid. Correct them, or use --mode each and a new name with --key',
    );
  }
}

function readOptions() {
  const { values, positionals } = parse();
  const [name, ...rest] = positionals;
  const { user, wallet, mode, key, memo, format } = values;
  if (name === undefined || rest.length > 0) throw new SetupError(USAGE);
  if (user === undefined) throw new SetupError('whose money is it? --user 1001');
  if (!/^[1-9]\d{0,18}$/.test(user)) throw new SetupError(`--user takes a user's number, not "${user}"`);
  if (mode !== 'each' && mode !== 'all-or-nothing') {
    throw new SetupError(`--mode takes each or all-or-nothing, not "${mode}"`);
  }
  if (key !== undefined && (key.length > LONGEST_KEY || !/^[\x21-\x7e]+$/.test(key))) {
    throw new SetupError(`--key takes 1 to ${LONGEST_KEY} visible ASCII characters, no spaces`);
  }
  return {
    name,
    format,
    user,
    wallet: wallet?.toLowerCase(),
    allOrNothing: mode === 'all-or-nothing',
    key,
    memo,
    isConfirmed: values.yes,
  };
}

/** Asks on the terminal. Throws a SetupError when the answer is not yes or there is no terminal. */
async function confirm(): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new SetupError('Nothing was sent. If this is what you want to pay, say --yes');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const answer = await terminal.question('Pay this? Lines paid before are not paid again. [y/N] ');
  terminal.close();
  if (!/^\s*(y|yes)\s*$/i.test(answer)) throw new SetupError('Nothing was sent');
}

function parse() {
  return readCommandLine(USAGE, {
    user: { type: 'string', short: 'u' },
    wallet: { type: 'string' },
    mode: { type: 'string', default: 'each' },
    key: { type: 'string' },
    memo: { type: 'string', default: '' },
    format: { type: 'string' },
    yes: { type: 'boolean', default: false },
  });
}

/** Throws a SetupError with the problems of a file, of which nothing was sent. */
function refuseProblems(name: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new SetupError(
    problemsText(
      name,
      problems.toSorted((a, b) => a.line - b.line),
    ),
  );
}

/** The user's wallet with this id, or the default wallet. */
async function findWallet(client: Client, user: string, id: string | undefined) {
  for (let token = ''; ; ) {
    const request = { page_size: WALLETS_A_PAGE, page_token: token };
    const page = await client.call('wallet.v2.WalletService/ListWallets', request);
    const found = (page.wallets as Json[]).find((wallet) =>
      id === undefined ? wallet.is_default : wallet.wallet_id === id,
    );
    if (found) return { id: String(found.wallet_id), currency: String(found.currency_code) };
    token = String(page.next_page_token);
    if (token === '') throw new SetupError(`user ${user} has no wallet ${id ?? 'yet'}`);
  }
}

function fail(error: unknown): number {
  progress.end();
  console.error(describeError(error, dataDir));
  if (phase === 'started') console.error('The payout goes on by itself; the same command watches it again');
  return EXIT.failed;
}
