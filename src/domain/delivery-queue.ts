// What is on its way to one webhook, in memory: which event may be sent next, so that those of a wallet stay in order.

/** What the queue has to know of a delivery. */
export interface QueuedDelivery {
  readonly id: string;
  /** The wallets that the event is about. Each gets its events one after the other. */
  readonly walletIds: readonly string[];
}

interface Entry<Item> {
  readonly item: Item;
  /** When it may be sent, in milliseconds. */
  dueAt: number;
  /** Not sooner, also where others are: the receiver asked for it. In milliseconds. */
  notBefore: number;
  /** Whether hurry() has made it due before. */
  isHurried: boolean;
  /** In how many of its wallets' lines an earlier one stands before it. */
  blockers: number;
}

/**
 * A line of deliveries for each wallet, first in, first out. A delivery may be sent while it stands first in all of its wallets'
 * lines, and leaves them once it was taken.
 */
export class DeliveryQueue<Item extends QueuedDelivery> {
  readonly #entries = new Map<string, Entry<Item>>();
  readonly #lines = new Map<string, Entry<Item>[]>();
  /** Those that nothing blocks and that are not being sent, in the order in which they came. */
  readonly #free = new Set<Entry<Item>>();

  /** How many are on their way, those that are being sent included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The delivery with this id, if it is on its way. */
  get(id: string): Item | undefined {
    return this.#entries.get(id)?.item;
  }

  /** Puts a delivery behind all others. One that is there already stays where it is. */
  add(item: Item, dueAt: number): void {
    if (this.#entries.has(item.id)) return;
    const entry: Entry<Item> = { item, dueAt, notBefore: 0, isHurried: false, blockers: 0 };
    this.#entries.set(item.id, entry);
    for (const walletId of new Set(item.walletIds)) {
      const line = this.#lines.get(walletId);
      if (line) {
        entry.blockers += 1;
        line.push(entry);
      } else this.#lines.set(walletId, [entry]);
    }
    if (entry.blockers === 0) this.#free.add(entry);
  }

  /** Takes up to `atMost` deliveries that may be sent now. Each has to be returned by `done` or `retry`. */
  take(now: number, atMost: number): Item[] {
    const taken: Item[] = [];
    for (const entry of this.#free) {
      if (taken.length >= atMost) break;
      if (entry.dueAt > now) continue;
      this.#free.delete(entry);
      taken.push(entry.item);
    }
    return taken;
  }

  /** A delivery was taken by its receiver: those behind it move up. */
  done(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#free.delete(entry);
    for (const walletId of new Set(entry.item.walletIds)) {
      const line = this.#lines.get(walletId) ?? [];
      line.shift();
      const [next] = line;
      if (next === undefined) this.#lines.delete(walletId);
      else {
        next.blockers -= 1;
        if (next.blockers === 0) this.#free.add(next);
      }
    }
  }

  /** Changes when a delivery may be sent, or sent again where it is being sent. */
  reschedule(id: string, dueAt: number): void {
    const entry = this.#entries.get(id);
    if (entry) entry.dueAt = dueAt;
  }

  /** A delivery was not taken: it stays where it is, and may be sent again then; before `notBefore` not even by hurry(). */
  retry(id: string, dueAt: number, notBefore = 0): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.dueAt = dueAt;
    entry.notBefore = notBefore;
    this.#free.add(entry);
  }

  /**
   * Whatever waits to be sent again may be sent now, each once: what fails then, too, is refused for itself, and a receiver that takes
   * one event now and then would get all of those each time.
   */
  hurry(now: number): void {
    for (const entry of this.#entries.values()) {
      const dueAt = Math.max(now, entry.notBefore);
      if (entry.isHurried || entry.dueAt <= dueAt) continue;
      entry.dueAt = dueAt;
      entry.isHurried = true;
    }
  }
}
