// Sends lists and lookups to the replica, where it has everything that was committed before they were asked for.
//
// Why that holds is told in docs/internals/replica.md. The types keep balances away from it: what reads one takes
// a Pool, and what is read here gets a Reader.
import { type BreakerState, createBreaker, createSingleflight } from '../../resilience/index.ts';
import type { Pool, Reader } from '../pool.ts';
import { positionOf, waitUntilHas } from './position.ts';

/** Does a read, on the replica or else on the primary. It must do nothing but read: it may be done twice. */
export type LookUp = <T>(read: (db: Reader) => Promise<T>) => Promise<T>;

/** How to look things up. */
export interface LookUpsOptions {
  readonly primary: Pool;
  /** Its connections must give up by themselves after `timeoutMs`. */
  readonly replica: Pool;
  /** How many reads may be under way on the replica at a time, with those that wait for a connection. */
  readonly capacity: number;
  /** So long the replica has for a read, catching up included, in milliseconds. */
  readonly timeoutMs: number;
  /** So long of that it has to catch up, in milliseconds. */
  readonly lagMs: number;
  /** Told when reads go to the primary alone (`open`), with the failure that made it so, and when no longer (`closed`). */
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
}

/** The way to the replica. */
export interface LookUps {
  /** Throws what the primary throws. A replica that fails, is slow or lags behind costs time and nothing else. */
  readonly lookUp: LookUp;
  /** Closed while the replica answers in time, with everything that it should have. */
  state(): BreakerState;
  close(): void;
}

/** Starts to send reads to a replica. */
export function startLookUps(options: LookUpsOptions): LookUps {
  const { primary, replica, capacity, timeoutMs, lagMs, onStateChange } = options;
  const singleflight = createSingleflight();
  // Reads that come while the primary is asked share the next question: it is asked once a round trip, at most.
  const position = () => singleflight.do('position', () => positionOf(primary));

  const onReplica = async <T>(
    wanted: Awaited<ReturnType<typeof position>>,
    read: (db: Reader) => Promise<T>,
  ) => {
    const client = await replica.connect();
    let failure: Error | undefined;
    try {
      // On one connection, so that whatever is true of the server when it is asked is true when it is read.
      await waitUntilHas(client, wanted, lagMs);
      return await read(client);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    } finally {
      client.release(failure);
    }
  };

  const breaker = createBreaker({
    timeoutMs,
    capacity,
    onStateChange: (state, cause) => {
      onStateChange(state, cause);
      if (state === 'half-open') tryAgain();
    },
  });
  // Nobody's call is the one that tries, and with nobody calling the replica is found again all the same.
  const tryAgain = () =>
    void breaker.run(async () => onReplica(await position(), async () => {})).catch(() => {});

  return {
    lookUp: async (read) => {
      if (breaker.state() !== 'closed') return read(primary);
      const wanted = await position();
      return breaker.run(() => onReplica(wanted, read)).catch(() => read(primary));
    },
    state: breaker.state,
    close: () => breaker[Symbol.dispose](),
  };
}
