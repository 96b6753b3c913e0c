// One attempt of a call, over whatever protocol: what connections ask of gRPC and REST.
import type { DescMethod } from '@bufbuild/protobuf';
import type { Identity, OutgoingRequest } from './headers.ts';

/** One attempt. */
export interface Attempt {
  readonly rpc: DescMethod;
  /** The serialized request. */
  readonly body: Uint8Array;
  readonly identity: Identity;
  /** How long the server may take, in milliseconds; infinite for a stream. */
  readonly timeoutMs: number;
  /** Ends the attempt, which then throws the reason of the signal. */
  readonly signal: AbortSignal;
}

/** The headers of an attempt, with a new signature. */
export type Sign = (request: OutgoingRequest, identity: Identity) => Record<string, string>;

/** A way to make attempts, each with a signature of its own. They throw a PpuriError when the answer is not OK. */
export interface Transport {
  /** Resolves with the serialized response. */
  unary(attempt: Attempt): Promise<Uint8Array>;
  /** Yields the serialized messages; ends only after the last one, and throws where the stream was cut off. */
  stream(attempt: Attempt): AsyncIterable<Uint8Array>;
  close(): void;
}
