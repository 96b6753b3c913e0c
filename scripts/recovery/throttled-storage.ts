// Bounds how fast a storage is read, so that a daily drill leaves the disk and the network to others.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Content, Storage } from './storage.ts';

/** The same storage, of which all readers together read so many bytes a second at most. */
export function throttledStorage(storage: Storage, bytesPerSecond: number): Storage {
  let freeAt = 0;
  const wait = async (bytes: number) => {
    const from = Math.max(freeAt, performance.now());
    freeAt = from + (bytes / bytesPerSecond) * 1000;
    await sleep(Math.max(0, from - performance.now()));
  };
  async function* slow(content: Content): Content {
    for await (const piece of content) {
      await wait(piece.length);
      yield piece;
    }
  }
  return { ...storage, read: async (key) => slow(await storage.read(key)) };
}

/** Bytes of `32k` or `64M`. */
export function parseRate(text: string): number {
  const units: Record<string, number> = { k: 1 << 10, M: 1 << 20 };
  return Number.parseInt(text, 10) * (units[text.slice(-1)] ?? 1 << 10);
}
