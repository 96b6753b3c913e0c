// Listens to notifications of new rows in the outbox.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, connectionConfig } from '../connection.ts';
import { createNodeGuard } from '../node-guard.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const ASK_EVERY_MS = 5_000;
const ANSWER_WITHIN_MS = 5_000;

/** A connection that listens. */
export interface OutboxListener extends AsyncDisposable {}

/**
 * Listens until it is closed, on a connection of its own that is opened again whenever it is lost. `heard` is
 * called for each notification, and once after each connect, for those that may have been missed.
 */
export function createOutboxListener(
  url: string,
  heard: () => void,
  onError: (error: Error) => void,
  guard = createNodeGuard(),
): OutboxListener {
  const closed = new AbortController();
  let client: Connection | undefined;
  const listen = async () => {
    const current = new Connection(
      connectionConfig({ url, guard, applicationName: 'ppuri relay', answerWithinMs: ANSWER_WITHIN_MS }),
    );
    client = current;
    const ended = new Promise<void>((resolve) => current.once('end', resolve));
    current.on('error', onError);
    current.on('notification', heard);
    await current.connect();
    await current.query('LISTEN ppuri_outbox');
    heard();
    // Only a query finds out that a silent connection is dead.
    const timer = setInterval(() => void current.query('SELECT 1').catch(onError), ASK_EVERY_MS);
    await ended.finally(() => clearInterval(timer));
  };
  const keep = async () => {
    for (let pauseMs = FIRST_PAUSE_MS; !closed.signal.aborted; ) {
      const since = Date.now();
      await listen().catch(onError);
      pauseMs =
        Date.now() - since > LONGEST_PAUSE_MS ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      await sleep(pauseMs, undefined, { signal: closed.signal }).catch(() => {});
    }
  };
  const keeping = keep();
  return {
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      await client?.end().catch(() => {});
      await keeping;
    },
  };
}
