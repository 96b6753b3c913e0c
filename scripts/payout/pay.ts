// Takes lines through a payout, from its draft to its end. Every step may be made again: none of them pays twice.
import { PpuriError } from '../../clients/typescript/src/error.ts';
import type { Json } from '../../clients/typescript/src/grpc.ts';
import { SetupError } from '../dev/program.ts';
import type { FileLine } from './check-rows.ts';
import type { Progress } from './progress.ts';
import type { Client } from './retrying-client.ts';
import { look, type Standing, watch } from './watch.ts';

/** What is to be paid. */
export interface Order {
  readonly walletId: string;
  /** All or nothing; each line for itself otherwise. */
  readonly wantsAll: boolean;
  readonly memo: string;
  /** The name of this payout; the same for every run of it. */
  readonly key: string;
  readonly lines: readonly FileLine[];
}

/** How far a run is: nothing can have been paid, something may have been, or it goes on by itself. */
export type Phase = 'drafting' | 'starting' | 'started';

/** A line that is not paid, by its number in the file. */
export interface Failure {
  readonly line: number;
  readonly words: string;
}

/** What became of it. */
export interface Outcome {
  readonly standing: Standing;
  readonly failures: readonly Failure[];
  /** Whether it had ended before this run. */
  readonly wasOver: boolean;
}

/** Thrown where lines are bad and all or nothing was asked for; nothing was paid. */
export class BadLinesError extends Error {
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[]) {
    super('lines cannot be paid');
    this.failures = failures;
  }
}

const SERVICE = 'wallet.v2.PayoutService';
/** As many lines as a call takes. Each run cuts the file at the same places, so that a chunk is there or is not. */
const CHUNK = 1000;
const FAILURES_A_PAGE = 100;
/** A worker that is there begins at once. */
const NO_WORKER_MS = 15_000;

/** Pays, or goes on paying, or finds that all is paid. Throws a SetupError, a BadLinesError or a PpuriError. */
export async function pay(
  client: Client,
  order: Order,
  progress: Progress,
  onPhase: (phase: Phase) => void,
): Promise<Outcome> {
  const drafted = await createDraft(client, order);
  const before = await look(client, drafted);
  if (before.state === 'CANCELLED' && !before.startedAt) {
    throw new SetupError(`the payout of this name was cancelled before it began; ${newKey}`);
  }
  const bad = await addLines(client, before, order, progress);
  if (before.state === 'DRAFT') {
    if (order.wantsAll && bad.length > 0) throw new BadLinesError(bad);
    onPhase('starting');
    await start(client, before.id, order);
  }
  onPhase('started');
  const standing = before.endedAt ? before : await watchToEnd(client, before.id, progress);
  const failures = standing.failedCount > 0 ? await listFailures(client, before.id, order) : [];
  return { standing, failures, wasOver: before.endedAt !== undefined };
}

const newKey = 'to pay all of this file, name it anew with --key';
const otherFile = `other lines went out under this name before; put those that are new into a file of their own, or ${newKey}`;

async function createDraft(client: Client, { walletId, wantsAll, memo, key }: Order): Promise<string> {
  const mode = wantsAll ? 'PAYOUT_MODE_ALL_OR_NOTHING' : 'PAYOUT_MODE_EACH';
  const { payout } = await client
    .call(`${SERVICE}/CreatePayout`, { wallet_id: walletId, mode, memo }, key)
    .catch(
      explain({
        IDEMPOTENCY_KEY_REUSED: `this name went out before with another wallet, mode or memo; ${newKey}`,
      }),
    );
  return String((payout as Json).payout_id);
}

/** Adds what is not there yet, and compares what is; returns the lines that will not be paid. */
async function addLines(
  client: Client,
  { id, lineCount }: Standing,
  { lines }: Order,
  progress: Progress,
): Promise<Failure[]> {
  if (lineCount > lines.length) throw new SetupError(otherFile);
  const bad: Failure[] = [];
  const show = (done: number) => {
    // Whoever runs a file again must not think that it goes out again.
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

async function start(client: Client, id: string, { lines, key }: Order): Promise<void> {
  const request = { payout_id: id, line_count: lines.length };
  await client.call(`${SERVICE}/StartPayout`, request, `${key}:start`).catch((error: unknown) => {
    // Another run of the same file was faster.
    if (error instanceof PpuriError && error.reason === 'PAYOUT_STARTED') return undefined;
    return explain({
      BALANCE_TOO_LOW:
        'the wallet has less than all lines take; nothing was paid. Fill it and run this again',
      INVALID_FIELD: otherFile,
    })(error);
  });
}

/** Makes a line of a refusal that has a plain meaning here. */
function explain(words: Readonly<Record<string, string>>) {
  return (error: unknown): never => {
    const known = error instanceof PpuriError ? words[error.reason] : undefined;
    throw known === undefined ? error : new SetupError(known);
  };
}

async function watchToEnd(client: Client, id: string, progress: Progress): Promise<Standing> {
  let first: { readonly settled: number; readonly at: number } | undefined;
  let changed = { settled: -1, at: Date.now() };
  let last: Standing | undefined;
  for await (const standing of watch(client, id)) {
    last = standing;
    const settled = standing.paidCount + standing.failedCount;
    const now = Date.now();
    first ??= { settled, at: now };
    if (settled !== changed.settled) changed = { settled, at: now };
    const speed = (settled - first.settled) / Math.max(0.001, (now - first.at) / 1000);
    const isStuck = !standing.endedAt && now - changed.at > NO_WORKER_MS;
    const note = isStuck ? 'nothing moves; does a worker run?' : paceOf(standing, speed);
    progress.show({ what: 'paying lines', done: settled, of: standing.lineCount, note });
  }
  progress.end();
  if (!last) throw new Error('a payout was watched and never seen');
  return last;
}

function paceOf({ lineCount, paidCount, failedCount }: Standing, speed: number): string {
  const count = (value: number) => Math.round(value).toLocaleString('en');
  const left = lineCount - paidCount - failedCount;
  return [
    ...(failedCount > 0 ? [`${count(failedCount)} failed`] : []),
    ...(speed > 0 ? [`${count(speed)}/s`] : []),
    ...(speed > 0 && left > 0 ? [`${count(Math.ceil(left / speed))} s to go`] : []),
  ].join(', ');
}

async function listFailures(client: Client, id: string, { lines }: Order): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (let token = ''; ; ) {
    const request = { payout_id: id, page_size: FAILURES_A_PAGE, page_token: token };
    const page = await client.call(`${SERVICE}/ListPayoutFailures`, request);
    failures.push(...(page.failures as Json[]).map((failure) => failureOf(failure, lines)));
    token = String(page.next_page_token);
    if (token === '') return failures;
  }
}

/** The fields of the API that the file calls otherwise. */
const IN_THE_FILE: Readonly<Record<string, string>> = {
  'amount.minor_units': 'amount',
  'amount.currency_code': 'currency',
};

function failureOf({ line, field, message, code, reason }: Json, lines: readonly FileLine[]): Failure {
  const column = IN_THE_FILE[String(field)] ?? String(field);
  return {
    line: lines[Number(line) - 1]?.line ?? 0,
    words: `${column ? `${column}: ` : ''}${message} (${code} ${reason})`,
  };
}
