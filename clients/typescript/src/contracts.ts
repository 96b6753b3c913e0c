// The contracts at run time, read from the descriptor set: every RPC by name, with its messages and its REST route.
import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMethod, fromBinary, getOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const FILE = new URL('../../../gen/descriptor.binpb', import.meta.url);

/** Every type of the contracts. */
export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(FILE)));

/** Every RPC of the contracts, by its full name: `wallet.v1.WalletService/GetBalance`. */
export const RPCS: ReadonlyMap<string, DescMethod> = new Map(
  [...registry].flatMap((type) =>
    type.kind === 'service'
      ? type.methods.map((method) => [`${type.typeName}/${method.name}`, method] as const)
      : [],
  ),
);

/** Where an RPC is over REST. */
export interface RestRoute {
  readonly method: string;
  /** Fields of the request are in braces: `/api/v2/wallets/{wallet_id}/balance`. */
  readonly path: string;
  /** Whether the fields that are not in the path are in the body; otherwise they are in the query. */
  readonly hasBody: boolean;
}

/** The google.api.http rule of an RPC; undefined when it is not offered over REST. */
export function restRouteOf(rpc: DescMethod): RestRoute | undefined {
  const extension = registry.getExtension('google.api.http');
  if (!extension) return undefined;
  // The registry reads the option without a generated type; its fields are those of google.api.HttpRule.
  const rule = getOption(rpc, extension) as unknown as {
    pattern: { case?: string; value?: string };
    body: string;
  };
  const { case: verb, value: path } = rule.pattern;
  return verb && path ? { method: verb.toUpperCase(), path, hasBody: rule.body !== '' } : undefined;
}
