// Takes the lines of a file through a payout, from its draft to its end. Each step can be repeated and pays once.

import type { Json } from '../../clients/typescript/src/connection.ts';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { SetupError } from '../cli/program.ts';
import type { Progress } from '../cli/progress.ts';
import type { FileLine } from './check-rows.ts';
import type { Client } from './retrying-client.ts';

/** What to pay. */
export interface PayoutPlan {
  readonly walletId: string;
  /** Pays all lines or none; otherwise each line that can be paid. */
  readonly allOrNothing: boolean;
  readonly memo: string;
  /** The name of this payout; the same for every run of it. */
  readonly key: string;
  readonly lines: readonly FileLine[];
}

/** How far a run is: nothing was paid, something may have been paid, or the payout continues without the run. */
export type Phase = 'drafting' | 'starting' | 'started';

/** A line that is not paid, by its number in the file. */
export interface Failure {
  readonly line: number;
  readonly message: string;
}

/** The result of a run. */
export interface Outcome {
  readonly status: PayoutStatus;
  readonly failures: readonly Failure[];
  /** Whether it had ended before this run. */
  readonly wasOver: boolean;
}

/** Thrown when lines cannot be paid and `allOrNothing` is set; nothing was paid. */
export class BadLinesError extends Error {
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[]) {
    super('lines cannot be paid');
    this.failures = failures;
  }
}

const SERVICE = 'wallet.v2.PayoutService';
/** The most lines of one call. Every run cuts the file at the same lines, so a chunk is present as a whole or not at all. */
const CHUNK = 1000;
const FAILURES_A_PAGE = 100;
/** A running worker begins at once. */
const NO_WORKER_MS = 15_000;

/** Pays, or continues to pay, or finds that all is paid. Throws a SetupError, a BadLinesError or a PpuriError. */
export async function pay(
  client: Client,
  plan: PayoutPlan,
  progress: Progress,
  onPhase: (phase: Phase) => void,
): Promise<Outcome> {
  const drafted = await createDraft(client, plan);
  const before = await getPayout(client, drafted);
  if (before.state === 'CANCELLED' && !before.startedAt) {
    throw new SetupError(`the payout of this name was cancelled before it began; ${newKey}`);
  }
  const bad = await addLines(client, before, plan, progress);
  if (before.state === 'DRAFT') {
    if (plan.allOrNothing && bad.length > 0) throw new BadLinesError(bad);
    onPhase('starting');
    await start(client, before.id, plan);
  }
  onPhase('started');
  const status = before.endedAt ? before : await watchToEnd(client, before.id, progress);
  const failures = status.failedCount > 0 ? await listFailures(client, before.id, plan) : [];
  return { status, failures, wasOver: before.endedAt !== undefined };
}

const newKey = 'to pay all of this file, give it a new name with --key';
const otherFile = `other lines went out under this name before; put those that are new into a file of their own, or ${newKey}`;

async function createDraft(
  client: Client,
  { walletId, allOrNothing, memo, key }: PayoutPlan,
): Promise<string> {
  const mode = allOrNothing ? 'PAYOUT_MODE_ALL_OR_NOTHING' : 'PAYOUT_MODE_EACH';
  const { payout } = await client
    .call(`${SERVICE}/CreatePayout`, { wallet_id: walletId, mode, memo }, key)
    .catch(
      explain({
        IDEMPOTENCY_KEY_REUSED: `this name went out before with another wallet, mode or memo; ${newKey}`,
      }),
    );
  return String((payout as Json).payout_id);
}

/** Adds the lines that the payout does not have yet; the server compares the others. Returns those that will not be paid. */
async function addLines(
  client: Client,
  { id, lineCount }: PayoutStatus,
  { lines }: PayoutPlan,
  progress: Progress,
): Promise<Failure[]> {
  if (lineCount > lines.length) throw new SetupError(otherFile);
  const bad: Failure[] = [];
  const show = (done: number) => {
    // Shows that lines are compared, not sent again, when a file is run again.
    const what = Math.min(done, lines.length - 1) < lineCount ? 'comparing lines' : 'adding lines';
    progress.show({ what, done, of: lines.length, note: noteOfBad(bad) });
  };
  for (let done = 0; done < lines.length; done += CHUNK) {
    show(done);
    const chunk = lines.slice(done, done + CHUNK).map(({ request }) => request);
    const request = { payout_id: id, first_line: done + 1, lines: chunk };
    const answer = await client
      .call(`${SERVICE}/AddPayoutLines`, request)
      .catch(explain({ LINE_OUT_OF_ORDER: otherFile, PAYOUT_STARTED: otherFile }));
    for (const failure of answer.bad_lines as Json[]) bad.push(failureOf(failure, lines));
  }
  show(lines.length);
  progress.end();
  return bad;
}

function noteOfBad(bad: readonly Failure[]): string {
  return bad.length === 0 ? '' : `${bad.length.toLocaleString('en')} cannot be paid`;
}

async function start(client: Client, id: string, { lines, key }: PayoutPlan): Promise<void> {
  const request = { payout_id: id, line_count: lines.length };
  await client.call(`${SERVICE}/StartPayout`, request, `${key}:start`).catch((error: unknown) => {
    // Another run of the same file has started it.
    if (error instanceof PpuriError && error.reason === 'PAYOUT_STARTED') return undefined;
    return explain({
      BALANCE_TOO_LOW:
        'the wallet has less than all lines take; nothing was paid. Fill it and run this again',
      INVALID_FIELD: otherFile,
    })(error);
  });
}

/** Turns refusals with these reasons into a SetupError of one line. */
function explain(lines: Readonly<Record<string, string>>) {
  return (error: unknown): never => {
    const known = error instanceof PpuriError ? lines[error.reason] : undefined;
    throw known === undefined ? error : new SetupError(known);
  };
}

async function watchToEnd(client: Client, id: string, progress: Progress): Promise<PayoutStatus> {
  let first: { readonly settled: number; readonly at: number } | undefined;
  let changed = { settled: -1, at: Date.now() };
  let last: PayoutStatus | undefined;
  for await (const status of watch(client, id)) {
    last = status;
    const settled = status.paidCount + status.failedCount;
    const now = Date.now();
    first ??= { settled, at: now };
    if (settled !== changed.settled) changed = { settled, at: now };
    const speed = (settled - first.settled) / Math.max(0.001, (now - first.at) / 1000);
    const isStuck = !status.endedAt && now - changed.at > NO_WORKER_MS;
    const note = isStuck ? 'nothing moves; does a worker run?' : speedNote(status, speed);
    progress.show({ what: 'paying lines', done: settled, of: status.lineCount, note });
  }
  progress.end();
  if (!last) throw new Error('a payout was watched and never seen');
  return last;
}

function speedNote({ lineCount, paidCount, failedCount }: PayoutStatus, speed: number): string {
  const count = (value: number) => Math.round(value).toLocaleString('en');
  const left = lineCount - paidCount - failedCount;
  return [
    ...(failedCount > 0 ? [`${count(failedCount)} failed`] : []),
    ...(speed > 0 ? [`${count(speed)}/s`] : []),
    ...(speed > 0 && left > 0 ? [`${count(Math.ceil(left / speed))} s to go`] : []),
  ].join(', ');
}

async function listFailures(client: Client, id: string, { lines }: PayoutPlan): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (let token = ''; ; ) {
    const request = { payout_id: id, page_size: FAILURES_A_PAGE, page_token: token };
    const page = await client.call(`${SERVICE}/ListPayoutFailures`, request);
    failures.push(...(page.failures as Json[]).map((failure) => failureOf(failure, lines)));
    token = String(page.next_page_token);
    if (token === '') return failures;
  }
}

/** The columns of fields that the API names differently. */
const COLUMN_OF_FIELD: Readonly<Record<string, string>> = {
  'amount.minor_units': 'amount',
  'amount.currency_code': 'currency',
};

function failureOf({ line, field, message, code, reason }: Json, lines: readonly FileLine[]): Failure {
  const column = COLUMN_OF_FIELD[String(field)] ?? String(field);
  return {
    line: lines[Number(line) - 1]?.line ?? 0,
    message: `${column ? `${column}: ` : ''}${message} (${code} ${reason})`,
  };
}

/** The state of a payout; amounts are in the smallest unit of its currency. */
export interface PayoutStatus {
  readonly id: string;
  /** DRAFT, RUNNING, DONE or CANCELLED. */
  readonly state: string;
  readonly currency: string;
  readonly lineCount: number;
  readonly badLineCount: number;
  readonly paidCount: number;
  readonly failedCount: number;
  readonly totalAmount: bigint;
  readonly paidAmount: bigint;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
}

/** The status now and after each change, until the payout ends. */
export async function* watch(client: Client, payoutId: string): AsyncGenerator<PayoutStatus> {
  const messages = client.stream('wallet.v2.PayoutService/WatchPayout', { payout_id: payoutId });
  for await (const { payout } of messages) yield toStatus(payout as Json);
}

/** The status now. */
export async function getPayout(client: Client, payoutId: string): Promise<PayoutStatus> {
  const { payout } = await client.call('wallet.v2.PayoutService/GetPayout', { payout_id: payoutId });
  return toStatus(payout as Json);
}

function toStatus(payout: Json): PayoutStatus {
  const money = (name: string) => payout[name] as { currency_code: string; minor_units: string };
  const time = (name: string) => (payout[name] ? new Date(String(payout[name])) : undefined);
  return {
    id: String(payout.payout_id),
    state: String(payout.state).replace('PAYOUT_STATE_', ''),
    currency: money('total_amount').currency_code,
    lineCount: Number(payout.line_count),
    badLineCount: Number(payout.bad_line_count),
    paidCount: Number(payout.paid_count),
    failedCount: Number(payout.failed_count),
    totalAmount: BigInt(money('total_amount').minor_units),
    paidAmount: BigInt(money('paid_amount').minor_units),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
  };
}
