// What is measured: each case is one kind of call, repeated by so many callers at a time for so long.
import { randomUUID } from 'node:crypto';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { WalletServiceService as WalletV1 } from '../gen/ts/wallet/v1/wallet_service.ts';
import type { Identity } from '../src/client/identity.ts';
import { signedHeaders } from '../src/client/signer.ts';
import type { SigningKey } from '../src/signatures/index.ts';
import { USERS } from './people.ts';

/** One kind of call. */
export interface Case {
  readonly name: string;
  readonly path: string;
  /** The n-th call's message, and who makes it for what. */
  readonly make: (index: number) => { bytes: Buffer; identity: Identity };
  /** Calls to make once before, so that the case has what it needs. */
  readonly prepare?: Case;
}

const userAt = (index: number) => USERS[index % USERS.length] ?? 0;
const as = (user: number) => ({ userId: String(user) });

/** Bytes there and back, with nothing in between. */
export const ECHO: Case = {
  name: 'bare gRPC echo',
  path: '/bench.Echo/Echo',
  make: () => ({ bytes: Buffer.from('twenty bytes of echo'), identity: {} }),
};

const FUND: Case = {
  name: 'deposits',
  path: WalletV1.charge.path,
  make: (index) => ({
    bytes: WalletV1.charge.requestSerialize({ amount: 1_000_000_000n }),
    identity: { ...as(userAt(index)), idempotencyKey: `fund-${index}` },
  }),
};

/** Transfers between a thousand wallets, spread evenly. */
export const TRANSFER: Case = {
  name: 'Transfer, 1,000 wallets',
  path: WalletV1.transfer.path,
  prepare: FUND,
  make: (index) => ({
    bytes: WalletV1.transfer.requestSerialize({
      toUserId: BigInt(userAt(index * 7 + 3)),
      amount: 1n,
      memo: '',
    }),
    identity: { ...as(userAt(index)), idempotencyKey: randomUUID() },
  }),
};

/** Reads of balances, straight from Postgres. */
export const BALANCE: Case = {
  name: 'GetBalance, uncached',
  path: WalletV1.getBalance.path,
  make: (index) => ({ bytes: Buffer.alloc(0), identity: as(userAt(index)) }),
};

/** How a case is run. */
export interface RunOptions {
  readonly address: string;
  /** What calls are signed with; the echo knows nothing of that. */
  readonly key: SigningKey | undefined;
  readonly seconds: number;
  readonly inFlight: number;
  /** The CPU time of the server so far, in seconds. */
  readonly serverCpuSeconds: () => number;
}

/** What a case gave. */
export interface Result {
  readonly name: string;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMsPerCall: number;
  readonly errors: number;
}

/** Runs a case: a warm-up, then the time that counts. */
export async function runCase(which: Case, options: RunOptions): Promise<Result> {
  const client = new Client(options.address, credentials.createInsecure());
  try {
    if (which.prepare) await repeat(client, which.prepare, options, { calls: USERS.length });
    await repeat(client, which, options, { seconds: options.seconds / 5 });
    const cpuBefore = options.serverCpuSeconds();
    const { latencies, errors, seconds } = await repeat(client, which, options, {
      seconds: options.seconds,
    });
    const cpu = options.serverCpuSeconds() - cpuBefore;
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
    return {
      name: which.name,
      callsPerSecond: latencies.length / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      serverCpuMsPerCall: (cpu * 1000) / latencies.length,
      errors,
    };
  } finally {
    client.close();
  }
}

async function repeat(
  client: Client,
  { path, make }: Case,
  { inFlight, key }: RunOptions,
  until: { readonly seconds: number } | { readonly calls: number },
) {
  const latencies: number[] = [];
  let errors = 0;
  let index = 0;
  const start = performance.now();
  const goesOn = () =>
    'calls' in until ? index < until.calls : performance.now() - start < until.seconds * 1000;
  const caller = async () => {
    while (goesOn()) {
      const { bytes, identity } = make(index++);
      const headers = signedHeaders({ method: 'POST', target: path, body: bytes }, identity, key);
      const sent = performance.now();
      if (await call(client, path, bytes, headers)) latencies.push(performance.now() - sent);
      else errors += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return { latencies, errors, seconds: (performance.now() - start) / 1000 };
}

function call(
  client: Client,
  path: string,
  bytes: Buffer,
  headers: Record<string, string>,
): Promise<boolean> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const asIs = (message: Buffer) => message;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error) => resolve(error === null));
  });
}
