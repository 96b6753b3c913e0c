// Connections to Redis, and how requests share commands over them. The only importer of ioredis.

export { type Announcements, createAnnouncements, KEYS_CHANGED } from './announcements.ts';
export { type Cache, type Changed, changed, type Look, type Marks, type Ref } from './cache/cache.ts';
export type { Kind } from './cache/kind.ts';
export { LEASE_MS } from './cache/lease.ts';
export { type OpenCache, openCache, openMarks } from './cache/open.ts';
export { coalesce } from './coalesce.ts';
export { type ConnectOptions, connectRedis, type Redis, waitUntilReady } from './connection.ts';
