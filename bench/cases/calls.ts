// Calls of ppuri, encoded once so that measuring costs no encoding, and where they go.
import { type DescMethod, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { RPCS, registry, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import type { Json } from '../../clients/typescript/src/grpc.ts';
import type { Identity } from '../../clients/typescript/src/headers.ts';
import type { Wallet } from '../env/seed.ts';
import type { SignedCall, Target } from '../generator/protocol.ts';
import { type Bench, requireKey } from './case.ts';

/** Whether the contracts have such an RPC. */
export const hasRpc = (rpc: string) => RPCS.has(rpc);

/** A call over gRPC. Throws where the contracts have no such RPC or the request does not fit its message. */
export function grpcCall(rpc: string, request: JsonValue, identity: Identity): SignedCall {
  const { input } = methodOf(rpc);
  const body = Buffer.from(toBinary(input, fromJson(input, request, { registry })));
  return { method: 'POST', path: `/${rpc}`, body, identity };
}

/** The same call over REST, at the address that the contract gives it. */
export function restCall(rpc: string, request: Json, identity: Identity): SignedCall {
  const route = restRouteOf(methodOf(rpc));
  if (!route) throw new Error(`${rpc} is not offered over REST`);
  const rest: Json = { ...request };
  const path = route.path.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  const body = Buffer.from(route.hasBody ? JSON.stringify(rest) : '', 'utf8');
  return { method: route.method, path, body, identity };
}

function methodOf(rpc: string): DescMethod {
  const method = RPCS.get(rpc);
  if (!method) throw new Error(`the contracts have no ${rpc}`);
  return method;
}

/** Who owns a wallet acts. */
export const owner = ({ userId }: Wallet): Identity => ({ userId: String(userId) });

/** So many won, as the contracts write it. */
export const won = (amount: number): Json => ({ currency_code: 'KRW', minor_units: String(amount) });

/** CreateTransfer of one won from one wallet to another, as JSON. */
export const transferBetween = (from: Wallet, to: Wallet): Json => ({
  debit_wallet_id: from.id,
  credit_wallet_id: to.id,
  amount: won(1),
});

/** One of several, by chance; `not` is left out. */
export function pickRandom<T>(things: readonly T[], not?: T): T {
  for (;;) {
    const thing = things[Math.floor(Math.random() * things.length)] as T;
    if (thing !== not || things.length < 2) return thing;
  }
}

/** The same things in an order by chance. */
export function shuffled<T>(things: readonly T[]): T[] {
  return things
    .map((thing) => [Math.random(), thing] as const)
    .sort(([a], [b]) => a - b)
    .map(([, thing]) => thing);
}

/** Signed calls over gRPC; those that move money get a new idempotency key each. */
export function overGrpc(bench: Bench, calls: readonly SignedCall[], movesMoney: boolean): Target {
  return {
    kind: 'grpc',
    address: bench.stack.grpcAddress,
    calls,
    key: requireKey(bench),
    isIdempotent: movesMoney,
  };
}

/** The same through Envoy. */
export function overRest(
  bench: Bench,
  url: string,
  calls: readonly SignedCall[],
  movesMoney: boolean,
): Target {
  return {
    kind: 'rest',
    url,
    calls,
    key: requireKey(bench),
    isIdempotent: movesMoney,
  };
}
