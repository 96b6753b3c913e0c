// Every method of the generated services, with a valid request.
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { field as fieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { RPCS, registry } from '../../../clients/typescript/src/contracts.ts';
import type { AuditTrail } from '../../../src/domain/act.ts';
import type { Method } from '../../../src/grpc/handlers.ts';
import { adminServices, publicServices } from '../../../src/grpc/services.ts';
import type { AdminCore, Core } from '../../../src/usecases/index.ts';

/** A method as the server binds it, as its contract describes it, and a valid request of it. */
export interface Sample {
  readonly method: Method;
  readonly rpc: DescMethod;
  readonly bytes: Uint8Array;
}

const SERVICES = [...publicServices({} as Core), ...adminServices({} as AdminCore, {} as AuditTrail)];

const validator = createValidator({ registry });

/** What the rules of the contracts say about a message; empty where it keeps them all. */
export function brokenRules(desc: DescMessage, message: Message): readonly string[] {
  const result = validator.validate(desc, message);
  if (result.kind === 'error') throw result.error;
  return result.kind === 'valid' ? [] : result.violations.map((violation) => violation.toString());
}

/** One for each method. Throws for a request that none of the candidates makes valid. */
export function samples(): Sample[] {
  const methods = SERVICES.flatMap(({ definition }) => Object.values(definition as Record<string, Method>));
  return methods.map((method) => {
    const rpc = RPCS.get(method.path.slice(1));
    if (!rpc) throw new Error(`there is no contract of ${method.path}`);
    const message = fill(rpc.input, 0);
    const broken = brokenRules(rpc.input, message);
    if (broken.length > 0) throw new Error(`${rpc.input.typeName}: ${broken.join(', ')}`);
    return { method, rpc, bytes: toBinary(rpc.input, message) };
  });
}

const TEXTS = ['some text', 'KRW', 'abc', '3f1c9c52-6d5e-4d0b-9a3e-0c6d2f5a7b11', 'room-1', '10.0.0.0/8', ''];

/** Texts that some rule allows, and those that the field's own rule lists. */
function textsFor(field: DescField): readonly string[] {
  const { type } = getOption(field, fieldRules);
  return type.case === 'string' ? [...TEXTS, ...type.value.in] : TEXTS;
}

/** Fills every field, each text with the first candidate that its rules allow. */
function fill(desc: DescMessage, salt: number): Message {
  const message = create(desc);
  const view = reflect(desc, message);
  const filledOneofs = new Set<unknown>();
  for (const field of desc.fields) {
    if (field.oneof && filledOneofs.has(field.oneof)) continue;
    if (field.oneof) filledOneofs.add(field.oneof);
    const candidates = field.message
      ? [field.message]
      : field.enum || field.scalar !== 9
        ? [5n]
        : textsFor(field);
    for (const candidate of candidates) {
      const value = field.message
        ? fill(field.message, salt + 1)
        : typeof candidate === 'string'
          ? candidate
          : field.enum
            ? 1
            : numberOf(field.scalar as number);
      if (field.fieldKind === 'list') {
        const list = view.get(field);
        list.clear();
        list.add(field.message ? reflect(field.message, value as Message) : value);
      } else if (field.fieldKind !== 'map') {
        view.set(field, field.message ? reflect(field.message, value as Message) : value);
      }
      if (!brokenRules(desc, message).some((broken) => broken.includes(`${field.name}`))) break;
    }
  }
  return message;
}

/** 3 and 4 are INT64 and UINT64, 12 are bytes. 60 keeps every rule, also as the seconds of a duration. */
function numberOf(scalar: number): bigint | number | boolean | Uint8Array {
  if (scalar === 8) return true;
  if (scalar === 12) return Uint8Array.of(60);
  return [3, 4, 6, 16, 18].includes(scalar) ? 60n : 60;
}
