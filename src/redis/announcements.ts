// Announcements between processes: that something has changed, not what. Redis away, nobody hears; readers look anyway.
import { Redis } from 'ioredis';

/** The channel on which processes tell each other that API keys have changed. */
export const KEYS_CHANGED = 'ppuri:keys-changed';

const ANNOUNCE_WITHIN_MS = 1_000;

/** A channel to all processes on the same Redis. */
export interface Announcements extends Disposable {
  /** Tells all processes, this one too. Never throws: an announcement is a hint, not the truth. */
  announce(channel: string): Promise<void>;
}

/** Listens on channels; `heard` is told of each announcement, also once after a time away, when some may have been missed. */
export function createAnnouncements(
  url: string,
  channels: readonly string[],
  heard: (channel: string) => void,
): Announcements {
  const options = {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    connectTimeout: 2000,
  };
  // A Redis that hangs must not hold up the call that made a key: its answer has the secret, which nobody tells again.
  const speaker = new Redis(url, { ...options, commandTimeout: ANNOUNCE_WITHIN_MS });
  const listener = new Redis(url, { ...options, enableOfflineQueue: true, maxRetriesPerRequest: null });
  // Reconnecting is ioredis' own work; without a listener an error would end the process.
  for (const redis of [speaker, listener]) redis.on('error', () => {});
  const connected = speaker.connect().catch(() => {});
  listener.connect().catch(() => {});
  listener.on('message', (channel: string) => heard(channel));
  listener.on('ready', () => {
    for (const channel of channels) heard(channel);
  });
  if (channels.length > 0) listener.subscribe(...channels).catch(() => {});
  return {
    announce: async (channel) => {
      await connected;
      await speaker.publish(channel, '').catch(() => 0);
    },
    [Symbol.dispose]: () => {
      speaker.disconnect();
      listener.disconnect();
    },
  };
}
