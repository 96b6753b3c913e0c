// The contracts at run time, read from the descriptor: what each RPC requires, and the rules of each message.

import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import {
  type Violation as BrokenRule,
  createValidator,
  type ValidationResult,
} from '@bufbuild/protovalidate';
import { MAX_LABELS_OF_REQUEST } from '../domain/annotation.ts';
import type { Scope } from '../domain/api-key.ts';
import { InvariantError } from '../domain/error-fields.ts';
import type { Violation } from '../domain/refusal.ts';
import { type RuleCheck, ruleCheckOf } from './rule-check.ts';
import { violationMessage } from './violation-messages.ts';
import { itemCounter, type WireCheck, wireCheckOf } from './wire.ts';

/** The FileDescriptorSet of all contracts. Envoy reads the same file. */
export const DESCRIPTOR_SET = readFileSync(new URL('../../gen/descriptor.binpb', import.meta.url));

/** What a call of an RPC requires besides its message: the option `(ppuri.options.v1.call)`. */
export interface CallRules {
  readonly actingUser: boolean;
  readonly room: boolean;
  readonly idempotencyKey: boolean;
  /** The scope that the caller's key must have. */
  readonly scope: Scope;
  /**
   * The cost of a call in units of the rate limits. It is computed from the bytes as received, because a call is charged
   * before anything of it is decoded.
   */
  costOf(bytes: Uint8Array): number;
  /** Whether a call changes nothing: its idempotency_level is NO_SIDE_EFFECTS. */
  readonly isReadOnly: boolean;
  /** Whether a call changes something and has no idempotency key: only its nonce keeps it from being done twice. */
  readonly needsNonceRecord: boolean;
  /** Whether the request has a token that a caller could guess. */
  readonly guessesToken: boolean;
}

/** One RPC of the contracts. */
export interface RpcContract {
  /** The full name of its response's message. */
  readonly responseType: string;
  /** Whether it is answered with a stream of messages. */
  readonly isStream: boolean;
  readonly rules: CallRules;
  /** The maximum length of a request in bytes. No request that satisfies the contract's rules is longer. */
  readonly maxBytes: number;
  /** Checks that bytes as received are one plain encoding of the request. */
  readonly checkWire: WireCheck;
  /** Whether a decoded request certainly keeps the contract's rules; otherwise `validate` says whether it breaks one. */
  readonly keepsRules: RuleCheck;
  /**
   * Checks a request as our own code encodes it; returns a violation for each broken rule. Never pass bytes as received:
   * it uses another decoder than handlers do, and the checked request has to be the handled one.
   */
  validate(canonicalRequest: Uint8Array): Violation[];
}

/** The fields of the option that CallRules has in another form. */
interface RawRules {
  readonly scope: number;
  readonly cost: number;
  readonly itemCost?: ItemCost;
}

const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

/** The scopes by their numbers in ppuri.options.v1.Scope. */
const SCOPE_BY_NUMBER: readonly (Scope | undefined)[] = [undefined, 'read', 'pay', 'fund', 'admin', 'events'];

/** The maximum length of a request without lists, in bytes: generous, so that a text that is too long is refused by name. */
const PLAIN_BYTES = 64 * 1024;
/** The maximum length of a list's element, in bytes: a message with a memo of 200 four-byte characters, or an id. */
const ITEM_BYTES = { message: 1280, scalar: 64 };
/** The maximum length of the lists in a list's elements, all of them together: labels, of which a request has so many at most. */
const NESTED_BYTES = MAX_LABELS_OF_REQUEST * 384;

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, DESCRIPTOR_SET));
const validator = createValidator({ registry });

/** The services of the contracts: those that declare our options. The others in the descriptor, health checks, do not. */
export const SERVICES: readonly string[] = [...registry].flatMap((type) =>
  type.kind === 'service' && type.methods.some(hasOptions) ? [type.typeName] : [],
);

/** Every RPC of the contracts, by its path on the wire: `/wallet.v1.WalletService/GetBalance`. */
export const CONTRACTS: ReadonlyMap<string, RpcContract> = new Map(
  SERVICES.flatMap((name) =>
    (registry.getService(name)?.methods ?? []).map(
      (method) => [`/${name}/${method.name}`, readContract(method)] as const,
    ),
  ),
);

/** The contract of a generated method. Throws where gen/descriptor.binpb and the generated code differ. */
export function contractOf({ path }: { readonly path: string }): RpcContract {
  const contract = CONTRACTS.get(path);
  if (!contract) throw new InvariantError(`gen/descriptor.binpb has no ${path}; run npm run gen`);
  return contract;
}

function readContract(method: DescMethod): RpcContract {
  const { input } = method;
  return {
    responseType: method.output.typeName,
    isStream: method.methodKind === 'server_streaming',
    rules: rulesOf(method),
    maxBytes: maxBytesOf(input),
    checkWire: wireCheckOf(input, maxItemsOf),
    keepsRules: ruleCheckOf(input),
    validate: (request) => violationsIn(input, request),
  };
}

function maxBytesOf(input: DescMessage): number {
  const lists = input.fields.filter(({ fieldKind }) => fieldKind === 'list');
  const bytesOf = (list: DescField) => {
    if (!list.message) return maxItemsOf(list) * ITEM_BYTES.scalar;
    const hasLists = list.message.fields.some(({ fieldKind }) => fieldKind === 'list');
    return maxItemsOf(list) * ITEM_BYTES.message + (hasLists ? NESTED_BYTES : 0);
  };
  return lists.reduce((sum, list) => sum + bytesOf(list), PLAIN_BYTES);
}

/** Throws for a list without max_items: it bounds what is read of a request. */
function maxItemsOf(list: DescField): number {
  const option = optionOf('buf.validate.field');
  // The registry reads the option without a generated type; its fields are those of buf.validate.FieldRules.
  const { type } = getOption(list, option) as unknown as {
    readonly type?: { readonly case?: string; readonly value?: { readonly maxItems?: bigint } };
  };
  const maxItems = type?.case === 'repeated' ? Number(type.value?.maxItems ?? 0) : 0;
  if (maxItems === 0)
    throw new InvariantError(`${list.parent.typeName}.${list.name} has no max_items in its contract`);
  return maxItems;
}

function hasOptions(method: DescMethod): boolean {
  return hasOption(method, optionOf('ppuri.options.v1.call'));
}

function optionOf(name: string): DescExtension {
  const option = registry.getExtension(name);
  if (!option) throw new InvariantError(`gen/descriptor.binpb lacks ${name}; run npm run gen`);
  return option;
}

/** Throws for an RPC without a scope: it would be open to every key. */
function rulesOf(method: DescMethod): CallRules {
  const option = optionOf('ppuri.options.v1.call');
  // The registry reads the option without a generated type; its fields are those of ppuri.options.v1.Call.
  const rules = getOption(method, option) as unknown as Omit<
    CallRules,
    'scope' | 'costOf' | 'needsNonceRecord'
  > &
    RawRules;
  const scope = SCOPE_BY_NUMBER[rules.scope];
  if (!scope)
    throw new InvariantError(`${method.parent.typeName}/${method.name} has no scope in its contract`);
  const isReadOnly = method.idempotency === NO_SIDE_EFFECTS;
  const needsNonceRecord = !rules.idempotencyKey && !isReadOnly;
  return {
    ...rules,
    scope,
    isReadOnly,
    needsNonceRecord,
    costOf: costOf(method, rules.cost || 1, rules.itemCost),
  };
}

/** The fields of ppuri.options.v1.ItemCost. */
interface ItemCost {
  readonly field: string;
  readonly itemsPerUnit: number;
}

/** Counts the list's elements without decoding them, up to its max_items. */
function costOf(method: DescMethod, cost: number, itemCost: ItemCost | undefined): CallRules['costOf'] {
  if (!itemCost) return () => cost;
  const field = method.input.fields.find(({ name }) => name === itemCost.field);
  if (field?.fieldKind !== 'list' || itemCost.itemsPerUnit < 1) {
    throw new InvariantError(`${method.parent.typeName}/${method.name} has an item_cost over no list`);
  }
  const count = itemCounter(field);
  const maxItems = maxItemsOf(field);
  return (bytes) => Math.max(1, Math.ceil(count(bytes, maxItems) / itemCost.itemsPerUnit));
}

function violationsIn(input: DescMessage, request: Uint8Array): Violation[] {
  const message = fromBinary(input, request);
  return brokenRules(validator.validate(input, message)).map((violation) => ({
    field: pathOf(violation),
    description: violationMessage(violation),
  }));
}

function brokenRules(result: ValidationResult): readonly BrokenRule[] {
  if (result.kind === 'error') throw result.error;
  return result.kind === 'valid' ? [] : result.violations;
}

/** The path of a field as callers know it: `amount.currency_code`, `wallet_ids[3]`. */
function pathOf(violation: BrokenRule): string {
  let path = '';
  for (const step of violation.field) {
    if (step.kind === 'list_sub') path += `[${step.index}]`;
    else if (step.kind === 'map_sub') path += `[${step.key}]`;
    else path += `${path && '.'}${step.name}`;
  }
  return path;
}

/** Validates every message once: the first validation of a type compiles its rules, which takes 100 ms. */
export function warmUp(): void {
  const empty = new Uint8Array();
  for (const contract of CONTRACTS.values()) contract.validate(empty);
}
