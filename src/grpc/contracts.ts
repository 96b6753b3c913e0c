// The contracts as the server reads them at run time: what each RPC demands, and the rules of each message.
import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  fromBinary,
  getOption,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  type Violation as BrokenRule,
  createValidator,
  type ValidationResult,
} from '@bufbuild/protovalidate';
import type { Scope } from '../domain/api-key.ts';
import type { Violation } from '../domain/refusal.ts';
import { wordsOf } from './rule-words.ts';

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
];

/** What a call of an RPC must bring besides its message: the option `(ppuri.options.v1.call)`. */
export interface CallRules {
  readonly actingUser: boolean;
  readonly room: boolean;
  readonly idempotencyKey: boolean;
  /** What the caller's key must be allowed to do. */
  readonly scope: Scope;
  /** How much of the caller's rate limits a call with this request takes. */
  costOf(request: () => unknown): number;
  /** Whether a token in the request may be a guess. */
  readonly guessesToken: boolean;
}

/** One RPC of the contracts. */
export interface RpcContract {
  readonly rules: CallRules;
  /** Checks a serialized request: what is wrong with which field. Throws on bytes that are no such message. */
  validate(request: Uint8Array): Violation[];
}

/** What the option says in other words than CallRules. */
interface RawRules {
  readonly scope: number;
  readonly cost: number;
  readonly itemCost?: ItemCost;
}

/** The scopes by their numbers in ppuri.options.v1.Scope. */
const SCOPE_BY_NUMBER: readonly (Scope | undefined)[] = [undefined, 'read', 'pay', 'fund', 'admin'];

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, DESCRIPTOR_SET));
const validator = createValidator({ registry });
/** Stops at the first wrong field. The length of a list is checked before its elements. */
const firstFaultFinder = createValidator({ registry, failFast: true });

/** Every RPC of the contracts, by its path on the wire: `/wallet.v1.WalletService/GetBalance`. */
export const CONTRACTS: ReadonlyMap<string, RpcContract> = new Map(
  SERVICES.flatMap((name) => {
    const service = registry.getService(name);
    if (!service) throw new Error(`gen/descriptor.binpb has no ${name}; run npm run gen`);
    return service.methods.map((method) => [`/${name}/${method.name}`, contractOf(method)] as const);
  }),
);

function contractOf(method: DescMethod): RpcContract {
  return { rules: rulesOf(method), validate: (request) => violationsIn(method.input, request) };
}

/** Every RPC says what it demands: one that is open to every key would be so by oversight. */
function rulesOf(method: DescMethod): CallRules {
  const option = registry.getExtension('ppuri.options.v1.call');
  if (!option) throw new Error('gen/descriptor.binpb lacks ppuri.options.v1; run npm run gen');
  // The registry reads the option without a generated type; its fields are those of ppuri.options.v1.Call.
  const rules = getOption(method, option) as unknown as Omit<CallRules, 'scope' | 'costOf'> & RawRules;
  const scope = SCOPE_BY_NUMBER[rules.scope];
  if (!scope) throw new Error(`${method.parent.typeName}/${method.name} has no scope in its contract`);
  return { ...rules, scope, costOf: costOf(method, rules.cost || 1, rules.itemCost) };
}

/** The fields of ppuri.options.v1.ItemCost. */
interface ItemCost {
  readonly field: string;
  readonly itemsPerUnit: number;
}

/** The request is read only where its cost depends on it. */
function costOf(method: DescMethod, cost: number, itemCost: ItemCost | undefined): CallRules['costOf'] {
  if (!itemCost) return () => cost;
  const field = method.input.fields.find(({ name }) => name === itemCost.field);
  if (field?.fieldKind !== 'list' || itemCost.itemsPerUnit < 1) {
    throw new Error(`${method.parent.typeName}/${method.name} has an item_cost over no list`);
  }
  return (request) => {
    const items = (request() as Readonly<Record<string, readonly unknown[]>>)[field.localName] ?? [];
    return Math.max(1, Math.ceil(items.length / itemCost.itemsPerUnit));
  };
}

function violationsIn(input: DescMessage, request: Uint8Array): Violation[] {
  const message = fromBinary(input, request);
  const first = brokenRules(firstFaultFinder.validate(input, message));
  // Of a list that is too long, nobody needs to know what else is wrong with each of what may be millions of elements.
  const isTooLong = first.some(({ ruleId }) => ruleId === 'repeated.max_items');
  const broken = first.length === 0 || isTooLong ? first : brokenRules(validator.validate(input, message));
  return broken.map((violation) => ({ field: pathOf(violation), description: wordsOf(violation) }));
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
