// For how long copies stay in Redis. Being right does not depend on it; it bounds memory, and what a double fault costs.

/** For what changes with notice, in milliseconds. */
export const TTL_MS = 5 * 60_000;
/** For what is not there: anybody can ask for any number of such things, so they go soon. */
export const MISSING_TTL_MS = 30_000;
