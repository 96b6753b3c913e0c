// What the load generator is told to do and what it tells back. It knows nothing of what it loads but what stands here.
import type { Identity } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';

/** A call of ours as it is prepared once and made again and again: each time with its own nonce and idempotency key. */
export interface SignedCall {
  /** POST and so on; over gRPC always POST. */
  readonly method: string;
  /** Over REST the path with its query, over gRPC `/package.Service/Method`. */
  readonly path: string;
  readonly body: Uint8Array;
  readonly identity: Identity;
}

/** A request to any REST API. `{uuid}`, `{n}` and `{random:A-B}` in any of its texts are filled in for each call. */
export interface PlainCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is loaded, and with what. */
export type Target =
  | {
      readonly kind: 'grpc';
      /** `host:port`. */
      readonly address: string;
      readonly calls: readonly SignedCall[];
      /** What calls are signed with; unsigned without. */
      readonly key: SigningKey | undefined;
      /** Whether each call carries an idempotency key of its own. */
      readonly isIdempotent: boolean;
    }
  | {
      readonly kind: 'rest';
      /** Without a path: `http://host:port`. */
      readonly url: string;
      readonly calls: readonly SignedCall[];
      readonly key: SigningKey | undefined;
      readonly isIdempotent: boolean;
    }
  | {
      readonly kind: 'plain-rest';
      readonly url: string;
      readonly calls: readonly PlainCall[];
      /** For ours, when it is called like any other: signs what was filled in. */
      readonly key: SigningKey | undefined;
    }
  | {
      readonly kind: 'postgres';
      readonly url: string;
      readonly accounts: readonly (readonly [debit: number, credit: number])[];
      /** One stored function, or the statements of a transaction one by one. */
      readonly by: 'function' | 'hand';
    };

/** When calls are made. */
export type Pace =
  /** So many callers, each of which waits for its answer before it calls again. */
  | { readonly kind: 'closed'; readonly inFlight: number }
  /**
   * So many calls a second, whether answers come or not; a latency counts from when its call was due, so a stall shows
   * in all calls that it delayed. More than `mostUnderWay` are not sent but counted as refused here.
   */
  | { readonly kind: 'open'; readonly perSecond: number; readonly mostUnderWay: number }
  /** All calls once and at the same moment, signed ahead. */
  | { readonly kind: 'rush' };

/** What one generator process is to do. */
export interface Work {
  readonly target: Target;
  readonly pace: Pace;
  readonly connections: number;
  /** After this an answer is not waited for any longer; in milliseconds. */
  readonly timeoutMs: number;
  /** Whether to keep the numbers of the calls that were answered OK. */
  readonly keepAccepted: boolean;
}

/** What one generator process saw from record to stop. */
export interface Load {
  readonly seconds: number;
  /** Calls that were made in this time. */
  readonly sent: number;
  /** Calls answered OK within it. */
  readonly completed: number;
  /** Calls that this process could not make because too many were under way. */
  readonly held: number;
  /** Of the latencies of calls made (closed) or due (open) in it, those answered OK. */
  readonly latencies: Uint32Array;
  /** How often each answer other than OK came. */
  readonly refusals: ReadonlyMap<string, number>;
  /** When the last answer OK came, in seconds after record; with a rush, how long it took to hand out all. */
  readonly lastOkSeconds: number;
  /** The idempotency keys of all calls answered OK from the very start on, when they were to be kept. */
  readonly accepted: readonly string[];
}

/** To a generator process. */
export type Order =
  | { readonly kind: 'start'; readonly work: Work; readonly index: number; readonly of: number }
  /** Make as many calls ready as will be made in so many seconds. Until that is done no call is made. */
  | { readonly kind: 'prepare'; readonly seconds: number }
  | { readonly kind: 'record' }
  | { readonly kind: 'stop' };

/** From a generator process: it is ready or at work, its calls are ready, or this is what it saw. */
export type Report =
  | { readonly kind: 'started' | 'prepared' }
  | { readonly kind: 'done'; readonly load: Load };
