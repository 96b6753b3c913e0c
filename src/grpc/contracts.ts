// The contracts as the server reads them at run time: what each RPC demands, and the rules of each message.

import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  getOption,
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

/** The services that the server offers. */
export const SERVICES: readonly string[] = [
  'wallet.v1.WalletService',
  'wallet.v1.SprinkleService',
  'wallet.v1.UserService',
  'wallet.v1.RoomService',
  'wallet.v2.WalletService',
  'wallet.v2.TransferService',
  'wallet.v2.SprinkleService',
  'wallet.v2.PayoutService',
  'wallet.v2.UserService',
  'wallet.v2.RoomService',
  'admin.v1.ApiKeyService',
  'admin.v1.JobService',
  'admin.v1.StatisticsService',
  'admin.v1.AuditService',
];

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
  /**
   * Whether a call changes something and has no idempotency key: its nonce is what keeps it from being done twice. That an
   * RPC changes nothing is said by its idempotency_level.
   */
  readonly needsNonceRecord: boolean;
  /** Whether a token in the request may be a guess. */
  readonly guessesToken: boolean;
}

/** One RPC of the contracts. */
export interface RpcContract {
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

/** Every RPC of the contracts, by its path on the wire: `/wallet.v1.WalletService/GetBalance`. */
export const CONTRACTS: ReadonlyMap<string, RpcContract> = new Map(
  SERVICES.flatMap((name) => {
    const service = registry.getService(name);
    if (!service) throw new InvariantError(`gen/descriptor.binpb has no ${name}; run npm run gen`);
    return service.methods.map((method) => [`/${name}/${method.name}`, contractOf(method)] as const);
  }),
);

function contractOf(method: DescMethod): RpcContract {
  const { input } = method;
  return {
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
  const option = registry.getExtension('buf.validate.field');
  if (!option) throw new InvariantError('gen/descriptor.binpb lacks buf.validate; run npm run gen');
  // The registry reads the option without a generated type; its fields are those of buf.validate.FieldRules.
  const { type } = getOption(list, option) as unknown as {
    readonly type?: { readonly case?: string; readonly value?: { readonly maxItems?: bigint } };
  };
  const most = type?.case === 'repeated' ? Number(type.value?.maxItems ?? 0) : 0;
  if (most === 0)
    throw new InvariantError(`${list.parent.typeName}.${list.name} has no max_items in its contract`);
  return most;
}

/** Every RPC says what it demands: one that is open to every key would be so by oversight. */
function rulesOf(method: DescMethod): CallRules {
  const option = registry.getExtension('ppuri.options.v1.call');
  if (!option) throw new InvariantError('gen/descriptor.binpb lacks ppuri.options.v1; run npm run gen');
  // The registry reads the option without a generated type; its fields are those of ppuri.options.v1.Call.
  const rules = getOption(method, option) as unknown as Omit<
    CallRules,
    'scope' | 'costOf' | 'needsNonceRecord'
  > &
    RawRules;
  const scope = SCOPE_BY_NUMBER[rules.scope];
  if (!scope)
    throw new InvariantError(`${method.parent.typeName}/${method.name} has no scope in its contract`);
  const needsNonceRecord = !rules.idempotencyKey && method.idempotency !== NO_SIDE_EFFECTS;
  return { ...rules, scope, needsNonceRecord, costOf: costOf(method, rules.cost || 1, rules.itemCost) };
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
