// The contracts at run time, read from the descriptor set: every RPC by name, with its messages and its REST routes.
import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMethod, fromBinary, getOption, hasOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';

const FILE = new URL('../../../gen/descriptor.binpb', import.meta.url);

/** Every type of the contracts. */
export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(FILE)));

/** Every RPC of the contracts, by its full name: `wallet.v1.WalletService/GetBalance`. */
export const RPCS: ReadonlyMap<string, DescMethod> = new Map(
  [...registry].flatMap((type) =>
    type.kind === 'service' ? type.methods.map((method) => [nameOf(method), method] as const) : [],
  ),
);

/** The full name of an RPC. */
export function nameOf(rpc: DescMethod): string {
  return `${rpc.parent.typeName}/${rpc.name}`;
}

/** Where an RPC is over REST. */
export interface RestRoute {
  readonly method: string;
  /** Fields of the request are in braces: `/api/v2/wallets/{wallet_id}/balance`. */
  readonly path: string;
  /** Whether the fields that are not in the path are in the body; otherwise they are in the query. */
  readonly hasBody: boolean;
}

/** The fields of google.api.HttpRule that the contracts use. */
interface HttpRule {
  readonly pattern: { readonly case?: string; readonly value?: string };
  readonly body: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** The routes of an RPC, the usual one first (google.api.http); empty when it is not offered over REST. */
export function restRoutesOf(rpc: DescMethod): RestRoute[] {
  const extension = registry.getExtension('google.api.http');
  if (!extension || !hasOption(rpc, extension)) return [];
  // The registry reads the option without a generated type.
  const rule = getOption(rpc, extension) as unknown as HttpRule;
  return [rule, ...rule.additionalBindings].flatMap(({ pattern: { case: verb, value: path }, body }) =>
    verb && path ? [{ method: verb.toUpperCase(), path, hasBody: body !== '' }] : [],
  );
}

/** The usual route of an RPC over REST; undefined when it is not offered there. */
export function restRouteOf(rpc: DescMethod): RestRoute | undefined {
  return restRoutesOf(rpc)[0];
}

/** Whether a call of an RPC needs an idempotency key: `(ppuri.options.v1.call).idempotency_key`. */
export function needsIdempotencyKey(rpc: DescMethod): boolean {
  const option = registry.getExtension('ppuri.options.v1.call');
  if (!option || !hasOption(rpc, option)) return false;
  return (getOption(rpc, option) as unknown as { readonly idempotencyKey: boolean }).idempotencyKey;
}

/** The server compares lines that are there already, so that the same call adds them once; its contract says so. */
const COMPARED = 'wallet.v2.PayoutService/AddPayoutLines';

/**
 * Whether a second attempt has the effect of one: reads, what the contract declares idempotent, and calls under an
 * idempotency key.
 */
export function isRepeatable(rpc: DescMethod): boolean {
  return (
    rpc.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN ||
    needsIdempotencyKey(rpc) ||
    nameOf(rpc) === COMPARED
  );
}

/** Whether an RPC answers with a file, in pieces that are no messages of their own. */
export function isFile(rpc: DescMethod): boolean {
  return rpc.output.typeName === 'google.api.HttpBody';
}

/** Whether a stream of an RPC goes on behind the cursor of its last message. */
export function hasCursor({ input, output }: DescMethod): boolean {
  return 'afterCursor' in input.field && 'cursor' in output.field;
}
