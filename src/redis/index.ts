// What the rest of the house needs of Redis.

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
export type { BreakerState } from './breaker.ts';
export { type Gate, type GateOptions, openGate } from './gate.ts';
