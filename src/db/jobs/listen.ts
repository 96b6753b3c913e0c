// Hears at once when something is put into the outbox.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** A connection that listens. */
export interface Listener {
  close(): Promise<void>;
}

/**
 * Listens until it is closed, on a connection of its own that is opened again whenever it is lost. `heard` is told of
 * each announcement, and once after every connecting, for what may have been missed.
 */
export function listenToOutbox(url: string, heard: () => void, onError: (error: Error) => void): Listener {
  const closed = new AbortController();
  let client: pg.Client | undefined;
  const listen = async () => {
    const current = new pg.Client({
      connectionString: url,
      keepAlive: true,
      application_name: 'ppuri relay',
    });
    client = current;
    const ended = new Promise<void>((resolve) => current.once('end', resolve));
    current.on('error', onError);
    current.on('notification', heard);
    await current.connect();
    await current.query('LISTEN ppuri_outbox');
    heard();
    await ended;
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
    close: async () => {
      closed.abort();
      await client?.end().catch(() => {});
      await keeping;
    },
  };
}
