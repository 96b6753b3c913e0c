// How calls to other systems are guarded, whatever the system: a circuit breaker in front of each, one call for all who
// need the same thing at the same time, one poll for all who wait for news, and turns for what only a few may do at a time. Knows nothing of money, Postgres or Redis.

export {
  BREAKER_STATES,
  type Breaker,
  type BreakerState,
  type BreakerStatus,
  createBreaker,
} from './breaker.ts';
export { createPoller, type NewsOrQuiet, type Poller, QUIET } from './poller.ts';
export { createSingleflight, type Singleflight } from './singleflight.ts';
export { createTurns } from './turns.ts';
