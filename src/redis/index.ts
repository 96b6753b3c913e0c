// What the rest of the house needs of Redis.

export type { BreakerState } from '../resilience/index.ts';
export type {
  Admission,
  AdmissionRequest,
  Cap,
  CapCheck,
  LimitCharge,
  Limited,
  LimitState,
  Nonce,
} from './admission.ts';
export { type Cache, type Changed, changed, type Look, type Marks, type Ref } from './cache/cache.ts';
export type { Kind } from './cache/kind.ts';
export { LEASE_MS } from './cache/lease.ts';
export { type OpenCache, openCache, openMarks } from './cache/open.ts';
export { type Gate, type GateOptions, openGate } from './gate.ts';
