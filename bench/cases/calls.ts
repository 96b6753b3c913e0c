// Calls of ppuri, encoded once so that measuring costs no encoding, and where they go.
import { type DescMethod, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import type { Json } from '../../clients/typescript/src/connection.ts';
import { RPCS, registry, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import type { Identity } from '../../clients/typescript/src/headers.ts';
import type { Wallet } from '../env/seed.ts';
import type { SignedCall, Target } from '../generator/protocol.ts';
import { type Bench, requireKey } from './case.ts';

/** Connections to Envoy: one of HTTP/1.1 has one call at a time. */
export const REST_CONNECTIONS = 256;

/** Whether the contracts have an RPC of this name. */
export const hasRpc = (rpc: string) => RPCS.has(rpc);

/** A call over gRPC. Throws when the contracts have no such RPC or the request is not one of its messages. */
export function grpcCall(rpc: string, request: JsonValue, identity: Identity): SignedCall {
  const { input } = methodOf(rpc);
  const body = Buffer.from(toBinary(input, fromJson(input, request, { registry })));
  return { method: 'POST', path: `/${rpc}`, body, identity };
}

/** The same call over REST, at its route in the contracts. */
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

/** The owner of a wallet as the acting user. */
export const owner = ({ userId }: Wallet): Identity => ({ userId: String(userId) });

/** An amount of won, as the contracts write it. */
export const won = (amount: number): Json => ({ currency_code: 'KRW', minor_units: String(amount) });

/** CreateTransfer of one won from one wallet to another, as JSON. */
export const transferBetween = (from: Wallet, to: Wallet): Json => ({
  debit_wallet_id: from.id,
  credit_wallet_id: to.id,
  amount: won(1),
});

/** A random item, other than `not`. */
export function pickRandom<T>(items: readonly T[], not?: T): T {
  for (;;) {
    const item = items[Math.floor(Math.random() * items.length)] as T;
    if (item !== not || items.length < 2) return item;
  }
}

/** The items in random order. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
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
