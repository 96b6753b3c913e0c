// The interceptors of every call, and their order. test/grpc/interceptors.test.ts asserts the order.
import type { AdmissionControl } from '../../admission/index.ts';
import type { AuditTrail } from '../../domain/act.ts';
import type { Core } from '../../usecases/index.ts';
import { MAX_STREAM_MS } from '../connections.ts';
import type { Interceptor, InterceptorChains } from '../interceptor.ts';
import { admit, type Rates } from './admit.ts';
import { auditRefusals } from './audit-refusals.ts';
import type { Authenticator } from './authenticate.ts';
import { authorize } from './authorize.ts';
import { applyDefaultDeadline, limitStreamDuration } from './deadlines.ts';
import { endWithKey } from './end-with-key.ts';
import { identifyCaller } from './identify-caller.ts';
import { limitStreamsPerUser } from './limit-streams-per-user.ts';
import { type ErrorMapping, mapErrors } from './map-errors.ts';
import { persistNonce } from './persist-nonce.ts';
import { type RecordCall, recordCalls } from './record-calls.ts';
import { shedLoad } from './shed-load.ts';
import { type CallTracer, markHandler, traceCalls, withMarks } from './trace-calls.ts';
import { validateRequest } from './validate-request.ts';

export { unauthenticatedAct } from './audit-refusals.ts';
export {
  AUTHENTICATION_CAUSES,
  type Authentication,
  type AuthenticationCause,
  type Authenticator,
  createAuthenticator,
} from './authenticate.ts';
export type { RecordCall } from './record-calls.ts';
export type { CallTracer, TracedCall } from './trace-calls.ts';

/** What the interceptors depend on. */
export interface InterceptorOptions extends ErrorMapping {
  readonly admission: AdmissionControl;
  readonly rates: Rates;
  readonly recordCall: RecordCall;
  /** Records calls that are refused for what their key may do, and calls of admin.v1 that do not reach their handler. */
  readonly trail: AuditTrail;
  /** The deadline of a call that sets none, in milliseconds from its arrival. */
  readonly callTimeoutMs: number;
  /** How many calls may be in flight; further ones are refused at once. */
  readonly maxInFlight: number;
  /** Makes spans of calls; undefined where none are exported, and then calls pass nothing of it. */
  readonly tracer: CallTracer | undefined;
}

/** How many streams a user may have open in one process. */
const STREAMS_PER_USER = 10;

/** Unary and streaming calls pass the same checks. What limits their time and their number differs. */
export function interceptorChains(
  core: Core,
  authenticator: Pick<Authenticator, 'interceptor' | 'isEdge' | 'isStillLive'>,
  options: InterceptorOptions,
): InterceptorChains {
  const chains = plainChains(core, authenticator, options);
  if (!options.tracer) return chains;
  const trace = traceCalls(options.tracer, authenticator.isEdge);
  const traced = (chain: readonly Interceptor[]) => [trace, ...chain.map(withMarks), markHandler];
  return { unary: traced(chains.unary), stream: traced(chains.stream) };
}

function plainChains(
  core: Core,
  { interceptor: authenticate, isStillLive }: Pick<Authenticator, 'interceptor' | 'isStillLive'>,
  options: InterceptorOptions,
): InterceptorChains {
  const checks = [
    mapErrors(options),
    authenticate,
    auditRefusals(options.trail),
    // Before anything is read for a caller, so that refused calls are charged too.
    admit(options.admission, options.rates),
    identifyCaller,
    authorize,
    validateRequest,
    // Last: a nonce is spent only for a call that will be handled.
    persistNonce(core),
  ];
  return {
    unary: [
      // Outermost, so that it records what the caller sees.
      recordCalls(options.recordCall),
      // Around mapErrors, so that an error after the deadline is still logged.
      applyDefaultDeadline(options.callTimeoutMs),
      shedLoad(options.maxInFlight),
      ...checks,
    ],
    stream: [
      // Without the duration: a stream lasts as long as its client likes.
      recordCalls((code) => options.recordCall(code)),
      limitStreamDuration(MAX_STREAM_MS),
      // A count of their own, so that open streams take no places from other calls.
      shedLoad(options.maxInFlight),
      ...checks,
      limitStreamsPerUser(STREAMS_PER_USER),
      endWithKey(isStillLive),
    ],
  };
}
