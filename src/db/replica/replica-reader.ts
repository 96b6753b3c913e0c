// Reads from the replica where it has everything that was committed before the read was asked for, and else from the primary.
//
// docs/internals/replica.md says why that holds. The types keep balances away from it: what reads one takes a Pool, and what
// is read here takes a Reader.
import {
  type BreakerState,
  type BreakerStatus,
  createBreaker,
  createSingleflight,
} from '../../resilience/index.ts';
import type { Pool, Reader, ReadFromReplica } from '../pool.ts';
import { type Position, positionOf, waitUntilReplayed } from './position.ts';

/** How to read from a replica. */
export interface ReplicaReaderOptions {
  readonly primary: Pool;
  /** Its connections must give up by themselves after `timeoutMs`. */
  readonly replica: Pool;
  /** Reads that may be under way on the replica, with those that wait for a connection. */
  readonly capacity: number;
  /** How long a read on the replica may take, catching up included, in milliseconds. */
  readonly timeoutMs: number;
  /** How long of that it may take to catch up, in milliseconds. */
  readonly lagMs: number;
  /** Called when only the primary is read (`open`), with the failure that caused it, and when the replica is read again (`closed`). */
  readonly onStateChange: (state: BreakerState, cause?: Error) => void;
}

/** Reads from a replica or else from the primary. The breaker's state is closed while the replica answers in time, with everything. */
export interface ReplicaReader extends BreakerStatus, Disposable {
  /** Throws what the primary throws. A replica that fails, is slow or lags costs time and nothing else. */
  readonly readFromReplica: ReadFromReplica;
}

export function createReplicaReader(options: ReplicaReaderOptions): ReplicaReader {
  const { primary, replica, capacity, timeoutMs, lagMs, onStateChange } = options;
  const singleflight = createSingleflight();
  // Reads that arrive while the primary is asked for its position share the next question: one for each round trip at most.
  const position = () => singleflight.do('position', () => positionOf(primary));

  const onReplica = async <T>(wanted: Position, read: (db: Reader) => Promise<T>) => {
    const client = await replica.connect();
    let failure: Error | undefined;
    try {
      // On one connection: what is true of the server when it is asked is then true when it is read.
      await waitUntilReplayed(client, wanted, lagMs);
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
      if (state === 'half-open') probe();
    },
  });
  // The process itself tries the replica again: no caller waits for that, and it happens without callers too.
  const probe = () =>
    void breaker.run(async () => onReplica(await position(), async () => {})).catch(() => {});

  return {
    readFromReplica: async (read) => {
      if (breaker.state() !== 'closed') return read(primary);
      const wanted = await position();
      return breaker.run(() => onReplica(wanted, read)).catch(() => read(primary));
    },
    state: breaker.state,
    stats: breaker.stats,
    [Symbol.dispose]: () => breaker[Symbol.dispose](),
  };
}
