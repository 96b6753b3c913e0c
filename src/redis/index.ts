// Connections to Redis, and how requests share commands over them. The only importer of ioredis.

export { type Announcements, createAnnouncements, KEYS_CHANGED } from './announcements.ts';
export { coalesce } from './coalesce.ts';
export { type ConnectOptions, createRedisConnection, type Redis, waitUntilReady } from './connection.ts';
