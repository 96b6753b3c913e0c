// A case of the bench: what it gets and what it returns.
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { Wallet } from '../env/seed.ts';
import type { Stack } from '../env/stack.ts';

/** What all cases of a run share. */
export interface Bench {
  readonly stack: Stack;
  /** A thousand wallets with money and some deposits each. */
  readonly wallets: readonly Wallet[];
  /** How long each case is measured, in seconds. */
  readonly seconds: number;
  /** How long it runs before that, in seconds, so that code is compiled and connections are open. */
  readonly warmUpSeconds: number;
  /** Calls in flight, unless a case has its own number. */
  readonly inFlight: number;
  /** Processes that make the calls. */
  readonly clients: number;
  /** The results of the cases before. */
  readonly results: readonly Result[];
  /** Prints a line about the progress. */
  readonly log: (line: string) => void;
}

/** Something to measure. */
export interface Case {
  readonly name: string;
  /** Runs only when --case names it. */
  readonly isLong?: boolean;
  /** Measures. Returns the results, usually one, or the reason why it cannot be measured here. */
  run(bench: Bench): Promise<readonly Result[] | string>;
}

/** Latencies, in milliseconds. */
export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** A step of one call: when it began, counted from the call's start, and how long it took, in microseconds. */
export interface Step {
  readonly name: string;
  readonly atUs: number;
  readonly us: number;
}

/** The result of a case. */
export interface Result extends Latencies {
  readonly name: string;
  /** Calls answered with OK. */
  readonly callsPerSecond: number;
  /** Transfers, where a call makes several. */
  readonly transfersPerSecond?: number;
  /** CPU time of each program for a thousand calls, in seconds; `client` is the load generator. */
  readonly cpuSecondsPer1000Calls: Readonly<Record<string, number>>;
  /** Writing transactions of Postgres for each transfer. */
  readonly commitsPerTransfer?: number;
  /** Bytes of write-ahead log for each transfer. */
  readonly walBytesPerTransfer?: number;
  /** Bytes by which tables and indexes grew on disk for each transfer; files grow in steps. */
  readonly diskBytesPerTransfer?: number;
  /** Peak of the server's memory, in MiB. */
  readonly serverPeakMiB?: number;
  /** An open loop at half the rate of the closed one; latencies count from when a call was due. */
  readonly openLoop?: Latencies & { readonly callsPerSecond: number };
  readonly errors: number;
  /** Each kind of error with its count. */
  readonly problems: readonly string[];
  /** More figures by name. */
  readonly figures?: Readonly<Record<string, number>>;
  /** The medians of a call's steps, in the order in which they begin. */
  readonly steps?: readonly Step[];
}

/** The key that calls of ppuri are signed with. */
export function requireKey({ stack }: Bench): SigningKey {
  if (!stack.key) throw new Error('there is no key to sign with');
  return stack.key;
}
