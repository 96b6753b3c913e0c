// Events and a feed of them in memory, for tests that decide what stands in the feed.
import type { FeedEvent } from '../../src/domain/event.ts';
import type { EventSource, FeedEnd } from '../../src/worker/feed/index.ts';

/** An event about these wallets; its subject is a hold. */
export function eventOf(sequence: number, ...wallets: readonly string[]): FeedEvent {
  const [wallet_id, credit_wallet_id] = wallets;
  return {
    eventId: `event-${sequence}`,
    sequence: BigInt(sequence),
    cursor: `cursor-${sequence}`,
    type: 'hold.created',
    schemaVersion: 1,
    subject: `holds/${sequence}`,
    userIds: [],
    occurredAt: 0,
    data: { facts: { hold_id: String(sequence), wallet_id, credit_wallet_id } },
  };
}

/** A feed that a test moves on. */
export class MemoryFeed implements EventSource {
  state: FeedEnd;
  /** Called before each reading of events. */
  beforeRead = () => {};

  constructor(epoch: string) {
    this.state = { epoch, sequence: 0n, purgedThrough: 0n };
  }

  /** From now on it has events up to this number; those up to `purgedThrough` are deleted. */
  extend(sequence: number, purgedThrough = 0): void {
    this.state = { ...this.state, sequence: BigInt(sequence), purgedThrough: BigInt(purgedThrough) };
  }

  async end(): Promise<FeedEnd> {
    return this.state;
  }

  async read(afterSequence: bigint, limit: number): Promise<FeedEvent[]> {
    this.beforeRead();
    const events: FeedEvent[] = [];
    for (let next = afterSequence + 1n; next <= this.state.sequence && events.length < limit; next += 1n)
      if (next > this.state.purgedThrough) events.push(eventOf(Number(next), `wallet-${Number(next) % 3}`));
    return events;
  }
}
