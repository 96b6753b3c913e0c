// Admission control: whether a signed call may go on, by its nonce, its rate limits and its caps on failures. Redis decides
// for all processes in one round trip; where it does not answer, each process decides by what it remembers itself.

export {
  type AdmissionControl,
  createAdmissionControl,
  type OnDecision,
} from './admission-control.ts';
export type {
  AdmissionRequest,
  AdmissionResult,
  CapCheck,
  LimitCharge,
  Limited,
  LimitState,
} from './request.ts';
