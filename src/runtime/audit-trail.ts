// Opens the audit trail of a process: rows of the database, and lines of the log `audit`.
import { appendActs } from '../db/audit.ts';
import type { Pool } from '../db/pool.ts';
import { type Act, ActSampler, type AuditTrail, droppedActs } from '../domain/act.ts';
import { errorText } from '../domain/error-fields.ts';
import { neighbourhoodOf } from '../keys/index.ts';
import type { Logs } from './logs.ts';
import type { AuditRecorder } from './metrics/audit.ts';

/** How often lines are written that no call waits for, in milliseconds. */
const WRITE_EVERY_MS = 500;
/** How many lines may wait while the database is away. */
const MAX_WAITING = 1_000;

/** An open audit trail. */
export interface OpenAuditTrail extends AuditTrail {
  /** Writes what is left, if the database is there. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens the trail on a login that may append to it. */
export function createAuditTrail(pool: Pool, logs: Logs, metrics: AuditRecorder): OpenAuditTrail {
  // Separate, so that callers without a key cannot use up the lines of callers with one.
  const samplers = { stranger: new ActSampler(), known: new ActSampler() };
  let waiting: Act[] = [];
  let dropped = 0;
  const tell = (act: Act) => {
    metrics.acted(act.outcome, act.count);
    logs.acted(act);
  };
  const keep = (acts: readonly Act[]) => {
    for (const act of acts) {
      if (act.outcome === 'dropped') metrics.dropped(act.count);
      tell(act);
      if (waiting.length < MAX_WAITING) waiting.push(act);
      else {
        dropped += act.count;
        metrics.dropped(act.count);
      }
    }
  };
  const flush = async () => {
    const now = Date.now();
    keep([...samplers.stranger.summarize(now), ...samplers.known.summarize(now)]);
    const [first] = waiting;
    if (!first) return;
    const acts = dropped > 0 ? [...waiting, droppedActs(first, dropped)] : waiting;
    const counted = dropped;
    waiting = [];
    dropped = 0;
    try {
      await appendActs(pool, acts);
    } catch (error) {
      waiting = [...acts.filter(({ outcome }) => outcome !== 'dropped'), ...waiting].slice(0, MAX_WAITING);
      dropped += counted;
      metrics.failed();
      logs.app.warn({ reason: errorText(error), waiting: waiting.length }, 'acts are not written yet');
    }
  };
  let writing = Promise.resolve();
  const timer = setInterval(() => {
    writing = writing.then(flush);
  }, WRITE_EVERY_MS);
  return {
    record: async (act) => {
      await appendActs(pool, [act]).catch((error: unknown) => {
        metrics.failed();
        throw error;
      });
      tell(act);
    },
    note: (act) => keep([act]),
    sample: (act) => {
      const [sampler, source] =
        act.outcome === 'unauthenticated'
          ? [samplers.stranger, neighbourhoodOf(act.clientAddress)]
          : [samplers.known, `${act.keyId} ${act.rpc}`];
      keep(sampler.take(source, act, Date.now()));
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await writing;
      await flush();
    },
  };
}
