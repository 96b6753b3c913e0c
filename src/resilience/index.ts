// How calls to other systems are guarded, whatever the system: a circuit breaker in front of each, and one call for all who
// need the same thing at the same time. Knows nothing of money, Postgres or Redis.

export {
  BREAKER_STATES,
  type Breaker,
  type BreakerState,
  type BreakerStatus,
  createBreaker,
} from './breaker.ts';
export { createSingleflight, type Singleflight } from './singleflight.ts';
