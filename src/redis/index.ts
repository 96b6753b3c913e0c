// Connections to Redis, and how requests share commands over them. Besides BullMQ the only user of ioredis.

export { masterOptions, type RedisAddress } from './address.ts';
export { createAnnouncements, KEYS_CHANGED } from './announcements.ts';
export { coalesce } from './coalesce.ts';
export { type ConnectOptions, createRedisConnection, type Redis, waitUntilReady } from './connection.ts';
