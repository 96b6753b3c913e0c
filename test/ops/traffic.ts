// Constant traffic through an edge: so many calls a second, reads and money, over REST and gRPC, all signed.
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { type Answer, type ApiClient, grpcClient, type Json, restClient } from '../api-client.ts';

/** What came of the calls. */
export interface Tally {
  /** Every call that was not answered OK, as `RPC over gRPC: REASON`. */
  readonly failed: readonly string[];
  /**
   * Calls whose answer broke off: nobody on the way may try a call again whose answer has begun, so its caller does, and
   * counts it as failed only when that fails too.
   */
  readonly cutOff: readonly string[];
  readonly calls: number;
  /** How many transfers were answered OK. */
  readonly transfers: number;
}

/** Traffic that runs until it is stopped. */
export interface Traffic {
  /** How many calls have been answered until now. */
  answered(): number;
  /** Stops, and resolves once every call has its answer. */
  stop(): Promise<Tally>;
}

/** Where the traffic goes, and for whom. */
export interface TrafficOptions {
  readonly restUrl: string;
  readonly grpcAddress: string;
  readonly key: SigningKey;
  readonly users: readonly number[];
  readonly callsPerSecond: number;
}

/** Starts traffic. A call that is slow holds up no other: each goes out when its time has come. */
export function startTraffic({ restUrl, grpcAddress, key, users, callsPerSecond }: TrafficOptions): Traffic {
  const clients = [grpcClient(grpcAddress, key), restClient(restUrl, key)] as const;
  const failed: string[] = [];
  const cutOff: string[] = [];
  const name = crypto.randomUUID();
  const underWay = new Set<Promise<void>>();
  let calls = 0;
  let transfers = 0;
  let isOver = false;

  const make = async (index: number) => {
    const client = clients[index % 2 === 0 ? 0 : 1];
    const userId = String(users[index % users.length]);
    const isTransfer = index % 4 >= 2;
    const rpc = `wallet.v1.WalletService/${isTransfer ? 'Transfer' : 'GetBalance'}`;
    const request: Json = isTransfer ? { to_user_id: users[(index + 1) % users.length] ?? 0, amount: 1 } : {};
    const identity = { userId, ...(isTransfer && { idempotencyKey: `${name}-${index}` }) };
    const call = () => client.call(rpc, request, identity).catch((error: Error) => error);
    let answer = await call();
    if (isCutOff(answer, client.name)) {
      cutOff.push(`${rpc} over ${client.name}: ${wordsOf(answer)}`);
      answer = await call();
    }
    if (answer instanceof Error || answer.status !== 0) {
      failed.push(`${rpc} over ${client.name}: ${wordsOf(answer)}`);
    } else if (isTransfer) transfers += 1;
  };
  const run = async () => {
    const startedAt = performance.now();
    for (let index = 0; !isOver; ) {
      const due = ((performance.now() - startedAt) / 1000) * callsPerSecond;
      for (; index < due; index++) {
        const call = make(index).finally(() => underWay.delete(call));
        underWay.add(call);
        calls += 1;
      }
      await sleep(5);
    }
  };
  const running = run();
  return {
    answered: () => calls - underWay.size,
    stop: async () => {
      isOver = true;
      await running;
      await Promise.all(underWay);
      for (const client of clients) client.close();
      return { failed, cutOff, calls, transfers };
    },
  };
}

/**
 * An answer that broke off has no reason over gRPC; over REST the edge has not passed anything on yet, and says UNAVAILABLE
 * itself.
 */
function isCutOff(answer: Answer | Error, over: ApiClient['name']): boolean {
  if (answer instanceof Error) return true;
  if (answer.status === status.OK) return false;
  return answer.reason === '' || (over === 'REST' && answer.status === status.UNAVAILABLE);
}

function wordsOf(answer: Answer | Error): string {
  if (answer instanceof Error) return answer.message;
  return answer.reason || (status[answer.status] ?? '');
}
