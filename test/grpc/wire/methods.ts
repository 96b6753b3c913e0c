// Every method of the generated services, and a request of each that keeps the rules of its contract.
import { create, type DescMessage, type DescMethod, type Message, toBinary } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { RPCS, registry } from '../../../clients/typescript/src/contracts.ts';
import { ApiKeyServiceService } from '../../../gen/ts/admin/v1/api_key_service.ts';
import { AuditServiceService } from '../../../gen/ts/admin/v1/audit_service.ts';
import { JobServiceService } from '../../../gen/ts/admin/v1/job_service.ts';
import { StatisticsServiceService } from '../../../gen/ts/admin/v1/statistics_service.ts';
import * as roomV1 from '../../../gen/ts/wallet/v1/room_service.ts';
import * as sprinkleV1 from '../../../gen/ts/wallet/v1/sprinkle_service.ts';
import * as userV1 from '../../../gen/ts/wallet/v1/user_service.ts';
import * as walletV1 from '../../../gen/ts/wallet/v1/wallet_service.ts';
import { PayoutServiceService } from '../../../gen/ts/wallet/v2/payout_service.ts';
import { RoomServiceService } from '../../../gen/ts/wallet/v2/room_service.ts';
import { SprinkleServiceService } from '../../../gen/ts/wallet/v2/sprinkle_service.ts';
import { TransferServiceService } from '../../../gen/ts/wallet/v2/transfer_service.ts';
import { UserServiceService } from '../../../gen/ts/wallet/v2/user_service.ts';
import { WalletServiceService } from '../../../gen/ts/wallet/v2/wallet_service.ts';
import type { Method } from '../../../src/grpc/service.ts';

/** A method as the server binds it, as its contract describes it, and a valid request of it. */
export interface Sample {
  readonly method: Method;
  readonly rpc: DescMethod;
  readonly bytes: Uint8Array;
}

const SERVICES: readonly object[] = [
  walletV1.WalletServiceService,
  sprinkleV1.SprinkleServiceService,
  userV1.UserServiceService,
  roomV1.RoomServiceService,
  WalletServiceService,
  TransferServiceService,
  SprinkleServiceService,
  PayoutServiceService,
  UserServiceService,
  RoomServiceService,
  ApiKeyServiceService,
  AuditServiceService,
  JobServiceService,
  StatisticsServiceService,
];

const validator = createValidator({ registry });

/** What the rules of the contracts say about a message; empty where it keeps them all. */
export function brokenRules(desc: DescMessage, message: Message): readonly string[] {
  const result = validator.validate(desc, message);
  if (result.kind === 'error') throw result.error;
  return result.kind === 'valid' ? [] : result.violations.map((violation) => violation.toString());
}

/** One for each method. Throws for a request that none of the candidates makes valid. */
export function samples(): Sample[] {
  const methods = SERVICES.flatMap((service) => Object.values(service as Record<string, Method>));
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

/** Fills every field, each text with the first candidate that its rules allow. */
function fill(desc: DescMessage, salt: number): Message {
  const message = create(desc);
  const view = reflect(desc, message);
  const filledOneofs = new Set<unknown>();
  for (const field of desc.fields) {
    if (field.oneof && filledOneofs.has(field.oneof)) continue;
    if (field.oneof) filledOneofs.add(field.oneof);
    const candidates = field.message ? [field.message] : field.enum || field.scalar !== 9 ? [5n] : TEXTS;
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

/** 3 and 4 are INT64 and UINT64. */
function numberOf(scalar: number): bigint | number | boolean {
  if (scalar === 8) return true;
  return [3, 4, 6, 16, 18].includes(scalar) ? 5n : 5;
}
