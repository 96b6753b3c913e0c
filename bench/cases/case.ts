// What a case is, what it is given, and what it gives.
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { Wallet } from '../env/seed.ts';
import type { Stack } from '../env/stack.ts';

/** What all cases of a run share. */
export interface Bench {
  readonly stack: Stack;
  /** A thousand wallets with money and a history of some deposits each. */
  readonly wallets: readonly Wallet[];
  /** How long each case is measured, in seconds. */
  readonly seconds: number;
  /** How long it runs before that, so that code is compiled and connections are open; in seconds. */
  readonly warmUpSeconds: number;
  /** How many calls are under way at a time, where a case does not say otherwise. */
  readonly inFlight: number;
  /** How many processes make the calls. */
  readonly clients: number;
  /** What the cases before gave, for those that build on it. */
  readonly results: readonly Result[];
  /** Told what is going on. */
  readonly say: (line: string) => void;
}

/** A case: something to measure. */
export interface Case {
  readonly name: string;
  /** Runs only when it is asked for by its name. */
  readonly isLong?: boolean;
  /** The results, one as a rule, or in a few words why it cannot be measured here. */
  run(bench: Bench): Promise<readonly Result[] | string>;
}

/** Latencies, in milliseconds. */
export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** What a case gave. */
export interface Result extends Latencies {
  readonly name: string;
  /** Calls that were answered OK. */
  readonly callsPerSecond: number;
  /** Where a call is not one transfer: single transfers. */
  readonly transfersPerSecond?: number;
  /** CPU time of each program, in seconds, for a thousand calls; `client` is the load generator. */
  readonly cpuSecondsPer1000Calls: Readonly<Record<string, number>>;
  /** Transactions of Postgres that wrote something, for each transfer. */
  readonly commitsPerTransfer?: number;
  /** Write-ahead log, in bytes, for each transfer. */
  readonly walBytesPerTransfer?: number;
  /** By how much tables and indexes grew on disk, in bytes, for each transfer; they grow in steps. */
  readonly diskBytesPerTransfer?: number;
  /** The most memory that the server held at a time, in MiB. */
  readonly serverPeakMiB?: number;
  /** At half the rate of the closed loop, each latency counted from when its call was due. */
  readonly openLoop?: Latencies & { readonly callsPerSecond: number };
  readonly errors: number;
  /** Each kind of error, and how often it came. */
  readonly problems: readonly string[];
  /** More that is worth knowing, as a figure each. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** What calls of ours are signed with and where they go to. */
export function requireKey({ stack }: Bench): SigningKey {
  if (!stack.key) throw new Error('there is no key to sign with');
  return stack.key;
}
