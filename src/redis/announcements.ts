// Announcements between processes (Redis Pub/Sub): that something has changed, not what. Without Redis nobody hears them, so
// listeners also read what may have changed from time to time.
import { setTimeout as sleep } from 'node:timers/promises';
import { openRedis, type RedisAddress } from './address.ts';

/** The channel on which processes tell each other that API keys have changed. */
export const KEYS_CHANGED = 'ppuri:keys-changed';

/** How long the first connection may take that an announcement waits for, and then publishing, in milliseconds. */
const PUBLISH_TIMEOUT_MS = 1_000;
/** A connection on which a command has had no answer for this long, in milliseconds, is replaced by a new one. */
const SOCKET_TIMEOUT_MS = 5_000;

/** A channel to all processes on the same Redis. */
export interface Announcements extends Disposable {
  /** Tells all processes, this one too. Never throws: an announcement is a hint, not the truth. */
  announce(channel: string): Promise<void>;
}

/** Listens on channels; calls `heard` for each announcement, and once after each connection: some may have been missed before. */
export function createAnnouncements(
  address: RedisAddress,
  channels: readonly string[],
  heard: (channel: string) => void,
): Announcements {
  const options = {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    socketTimeout: SOCKET_TIMEOUT_MS,
  };
  // A Redis that hangs must not hold up the call that created a key: its response holds the secret, which is shown only once.
  const publisher = openRedis(address, { ...options, commandTimeout: PUBLISH_TIMEOUT_MS });
  const subscriber = openRedis(address, {
    ...options,
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
  });
  // Reconnecting is ioredis' own work; without a listener an error would end the process.
  for (const redis of [publisher, subscriber]) redis.on('error', () => {});
  const connected = publisher.connect().catch(() => {});
  subscriber.connect().catch(() => {});
  subscriber.on('message', (channel: string) => heard(channel));
  subscriber.on('ready', () => {
    for (const channel of channels) heard(channel);
  });
  if (channels.length > 0) subscriber.subscribe(...channels).catch(() => {});
  return {
    announce: async (channel) => {
      // While no Sentinel answers, ioredis asks them without an end, within its first attempt to connect.
      await Promise.race([connected, sleep(PUBLISH_TIMEOUT_MS, undefined, { ref: false })]);
      await publisher.publish(channel, '').catch(() => 0);
    },
    [Symbol.dispose]: () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
