// The protocol between the load generator and its processes: targets, load models, commands and results.
import type { Identity } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';

/** A call of ppuri. It is encoded once and made many times, each time with a new nonce and idempotency key. */
export interface SignedCall {
  /** In upper case; over gRPC always `POST`. */
  readonly method: string;
  /** Over REST the path with its query, over gRPC `/package.Service/Method`. */
  readonly path: string;
  readonly body: Uint8Array;
  readonly identity: Identity;
  /** Whether its signature is spoiled after it was made. */
  readonly isForged?: boolean;
}

/** A request to any REST API. `{uuid}`, `{n}` and `{random:A-B}` in its texts are replaced for each call. */
export interface PlainCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is loaded, and with which calls. */
export type Target =
  | {
      readonly kind: 'grpc';
      /** `host:port`. */
      readonly address: string;
      readonly calls: readonly SignedCall[];
      /** Calls are not signed if it is undefined. */
      readonly key: SigningKey | undefined;
      /** Whether each call gets an idempotency key. */
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
      /** Signs the calls after the replacements, if the API is ppuri's. */
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
export type LoadModel =
  /** Closed loop: `inFlight` callers, each of which waits for its answer before its next call. */
  | { readonly kind: 'closed'; readonly inFlight: number }
  /**
   * Open loop: `perSecond` calls a second, whether answers come or not. Latency counts from the time when a call was due,
   * so a stall shows in every call that it delayed. Calls above `maxInFlight` are dropped and counted.
   */
  | { readonly kind: 'open'; readonly perSecond: number; readonly maxInFlight: number }
  /** Crowds, one after the other: the next `callers` calls are signed, and then made at the same time, once each. */
  | { readonly kind: 'rush'; readonly callers: number };

/** The task of one generator process. */
export interface WorkerTask {
  readonly target: Target;
  readonly model: LoadModel;
  readonly connections: number;
  /** How long to wait for an answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether to keep the idempotency keys of the calls that were answered with OK. */
  readonly keepAccepted: boolean;
}

/** What one generator process measured between record and stop. */
export interface WorkerResult {
  readonly seconds: number;
  /** Calls made in this time. */
  readonly sent: number;
  /** Calls answered with OK in this time. */
  readonly completed: number;
  /** Calls that were due and not made, because `maxInFlight` were in flight. */
  readonly dropped: number;
  /** Counts of a Histogram: calls made (closed loop) or due (open loop) in this time and answered with OK. */
  readonly latencies: Uint32Array;
  /** How often each answer other than OK came. */
  readonly refusals: ReadonlyMap<string, number>;
  /** When the last OK came, in seconds after record. */
  readonly lastOkSeconds: number;
  /** The idempotency keys of all calls answered with OK since the start, if `keepAccepted` is set. */
  readonly accepted: readonly string[];
}

/** To a generator process. */
export type WorkerCommand =
  | { readonly kind: 'start'; readonly task: WorkerTask; readonly index: number; readonly of: number }
  /** Prepare the calls of this many seconds, or those of the next crowd. No call is made until that is done. */
  | { readonly kind: 'prepare'; readonly seconds: number }
  /** Start counting. A crowd rushes now. */
  | { readonly kind: 'record' }
  | { readonly kind: 'stop' };

/** From a generator process. */
export type WorkerMessage =
  | { readonly kind: 'started' | 'prepared' }
  /** The result of a crowd, all of whose calls are answered. */
  | { readonly kind: 'rushed'; readonly result: WorkerResult }
  | { readonly kind: 'done'; readonly result: WorkerResult };
