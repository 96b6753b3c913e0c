// Puts acts of operators on the audit trail, whichever way they came: an attempt before anything is done, and how it ended.
import type { Act, AuditTrail } from '../domain/act.ts';
import { errorText } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';

/** A line of an act whose outcome is open. */
export type ActLine = Omit<Act, 'outcome'>;

/** Reads the state of a target, without secrets; undefined where there is no such target. */
export type ReadState = (target: string) => Promise<object | undefined>;

/** What an act is besides its line. */
export interface AuditedAct<T> {
  run(): Promise<T>;
  /** The id of what the result says was made; empty where nothing was. */
  createdId(result: T): string;
  readonly readState?: ReadState | undefined;
}

/** Errors whose refusal is on the trail already. */
const AUDITED = new WeakSet<object>();

/** Whether a refusal is on the trail already. */
export function isAudited(error: unknown): boolean {
  return typeof error === 'object' && error !== null && AUDITED.has(error);
}

/** Reads, and returns what was read only after its line has been written. Refuses UNAVAILABLE where it cannot be written. */
export async function auditedRead<T>(trail: AuditTrail, line: ActLine, read: () => Promise<T>): Promise<T> {
  try {
    const result = await read();
    await mustRecord(trail, { ...line, outcome: 'done' });
    return result;
  } catch (error) {
    throw recordFailure(trail, line, error);
  }
}

/**
 * Does an act only after an 'attempted' line has been written; its outcome follows under the same id, with the target's
 * state before and after. Refuses UNAVAILABLE where the trail cannot be written; nothing is done then.
 */
export async function auditedAct<T>(
  trail: AuditTrail,
  line: ActLine,
  { run, createdId, readState }: AuditedAct<T>,
): Promise<T> {
  await mustRecord(trail, { ...line, outcome: 'attempted' });
  let before: object | undefined;
  let result: T;
  try {
    if (readState && line.target !== '') before = await readState(line.target);
    result = await run();
  } catch (error) {
    throw recordFailure(trail, { ...line, before }, error);
  }
  const created = createdId(result);
  const target = line.target || created;
  const ids = [...new Set([target, created])].filter((id) => id !== '');
  // The change is done. A line that cannot be written now is written later; the attempt is on the trail already.
  try {
    const after = readState ? await readStates(ids, readState) : undefined;
    await trail.record({ ...line, target, outcome: 'done', before, after });
  } catch {
    trail.note({ ...line, target, outcome: 'done', before });
  }
  return result;
}

/** The state of one target; of several, each under its id. */
async function readStates(ids: readonly string[], readState: ReadState): Promise<object | undefined> {
  const [only, ...more] = ids;
  if (only === undefined) return undefined;
  if (more.length === 0) return readState(only);
  return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await readState(id)] as const)));
}

async function mustRecord(trail: AuditTrail, line: Act): Promise<void> {
  await trail.record(line).catch(() => {
    throw new Refusal('UNAVAILABLE', { retryAfterMs: 1000 });
  });
}

/** Returns the error, for its caller to throw. */
function recordFailure(trail: AuditTrail, line: ActLine, error: unknown): unknown {
  const isRefusal = error instanceof Refusal;
  trail.note({
    ...line,
    outcome: isRefusal ? 'refused' : 'failed',
    reason: isRefusal ? error.reason : errorText(error),
  });
  if (typeof error === 'object' && error !== null) AUDITED.add(error);
  return error;
}
