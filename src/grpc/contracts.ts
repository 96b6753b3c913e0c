// The contracts as the server reads them at run time: what each RPC demands, and the rules of each message.

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
import type { Scope } from '../domain/api-key.ts';
import { InvariantError } from '../domain/error-fields.ts';
import type { Violation } from '../domain/refusal.ts';
import { violationMessage } from './violation-messages.ts';
import { itemCounter, type WireCheck, wireCheckOf } from './wire.ts';

/** The file that describes every contract; Envoy reads the same one. */
export const DESCRIPTOR_SET = readFileSync(new URL('../../gen/descriptor.binpb', import.meta.url));

/** What a call of an RPC must bring besides its message: the option `(ppuri.options.v1.call)`. */
export interface CallRules {
  readonly actingUser: boolean;
  readonly room: boolean;
  readonly idempotencyKey: boolean;
  /** What the caller's key must be allowed to do. */
  readonly scope: Scope;
  /**
   * How much of the caller's rate limits a call with this request takes, by its bytes as received: what is done for a
   * caller is paid for, and so nothing is read before.
   */
  costOf(bytes: Uint8Array): number;
  /** Whether a call changes nothing: its idempotency_level is NO_SIDE_EFFECTS. */
  readonly isReadOnly: boolean;
  /** Whether a call changes something and has no idempotency key: only its nonce keeps it from being done twice. */
  readonly needsNonceRecord: boolean;
  /** Whether a token in the request may be a guess. */
  readonly guessesToken: boolean;
}

/** One RPC of the contracts. */
export interface RpcContract {
  /** The full name of its response's message. */
  readonly responseType: string;
  readonly rules: CallRules;
  /** How long a request may be, in bytes: no request that keeps the contract's rules is longer. */
  readonly maxBytes: number;
  /** Checks that a request's bytes as received are one plain encoding of its message. */
  readonly checkWire: WireCheck;
  /**
   * Checks a request as our own code writes it: what is wrong with which field. Never give it bytes as received: it reads
   * with another decoder than handlers do, and what is checked must be what is handled.
   */
  validate(canonicalRequest: Uint8Array): Violation[];
}

/** What the option says in other words than CallRules. */
interface RawRules {
  readonly scope: number;
  readonly cost: number;
  readonly itemCost?: ItemCost;
}

const { NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

/** The scopes by their numbers in ppuri.options.v1.Scope. */
const SCOPE_BY_NUMBER: readonly (Scope | undefined)[] = [undefined, 'read', 'pay', 'fund', 'admin'];

/** How long a request without lists may be, in bytes: so much longer than needed that a text that is too long is named. */
const PLAIN_BYTES = 64 * 1024;
/** How long an element of a list may be, in bytes: a message with a memo of 200 characters of four bytes, or an id. */
const ITEM_BYTES = { message: 1024, scalar: 64 };

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
    rules: rulesOf(method),
    maxBytes: maxBytesOf(input),
    checkWire: wireCheckOf(input, maxItemsOf),
    validate: (request) => violationsIn(input, request),
  };
}

function maxBytesOf(input: DescMessage): number {
  const lists = input.fields.filter(({ fieldKind }) => fieldKind === 'list');
  const bytesOf = (list: DescField) =>
    maxItemsOf(list) * (list.message ? ITEM_BYTES.message : ITEM_BYTES.scalar);
  return lists.reduce((sum, list) => sum + bytesOf(list), PLAIN_BYTES);
}

/** Every list of a request has an end in its contract: what is read of one is bounded by it. */
function maxItemsOf(list: DescField): number {
  const option = optionOf('buf.validate.field');
  // The registry reads the option without a generated type; its fields are those of buf.validate.FieldRules.
  const { type } = getOption(list, option) as unknown as {
    readonly type?: { readonly case?: string; readonly value?: { readonly maxItems?: bigint } };
  };
  const most = type?.case === 'repeated' ? Number(type.value?.maxItems ?? 0) : 0;
  if (most === 0)
    throw new InvariantError(`${list.parent.typeName}.${list.name} has no max_items in its contract`);
  return most;
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

/** The list is counted, no further than it may be long, and not read. */
function costOf(method: DescMethod, cost: number, itemCost: ItemCost | undefined): CallRules['costOf'] {
  if (!itemCost) return () => cost;
  const field = method.input.fields.find(({ name }) => name === itemCost.field);
  if (field?.fieldKind !== 'list' || itemCost.itemsPerUnit < 1) {
    throw new InvariantError(`${method.parent.typeName}/${method.name} has an item_cost over no list`);
  }
  const count = itemCounter(field);
  const most = maxItemsOf(field);
  return (bytes) => Math.max(1, Math.ceil(count(bytes, most) / itemCost.itemsPerUnit));
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

/** Runs every message's rules once: the first check of a type compiles its rules and takes a tenth of a second. */
export function warmUp(): void {
  const empty = new Uint8Array();
  for (const contract of CONTRACTS.values()) contract.validate(empty);
}
