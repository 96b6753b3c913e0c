// The caller of a call: acting user, room and idempotency key, read from its headers once.

import { hash } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { CallInfo } from '../domain/batch/command.ts';
import { InvariantError } from '../domain/error-fields.ts';
import type { IdempotencyKey } from '../domain/intent.ts';
import { IS_REQUIRED, type LocalizedText } from '../domain/localized-text.ts';
import { Refusal, refuseField, type Violation } from '../domain/refusal.ts';
import type { CallRules } from './contracts.ts';

/** What a handler gets besides the request. Reading what the contract does not require throws an InvariantError. */
export interface Caller {
  readonly call: CallInfo;
  /** The acting user. */
  readonly userId: bigint;
  /** The room of x-room-id. */
  readonly roomId: string;
  /** Identifies this one intent among all of the user's. */
  readonly key: IdempotencyKey;
}

const USER_ID = /^[1-9][0-9]{0,18}$/;
/** The form of a room's id. */
export const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;
const MAX_INT64 = 2n ** 63n - 1n;
const USER_ID_WORDS: LocalizedText = {
  en: 'must be a whole number from 1 to 2^63 - 1',
  ko: '1부터 2^63 - 1까지의 정수여야 합니다',
};
const ROOM_ID_WORDS: LocalizedText = {
  en: 'must be 1 to 64 letters, digits, hyphens or underscores',
  ko: '영문자, 숫자, 하이픈, 밑줄 1~64자여야 합니다',
};
const IDEMPOTENCY_KEY_WORDS: LocalizedText = {
  en: 'must be 1 to 128 visible ASCII characters',
  ko: '보이는 ASCII 문자 1~128자여야 합니다',
};

const PATTERNS = { 'x-user-id': USER_ID, 'x-room-id': ROOM_ID, 'idempotency-key': IDEMPOTENCY_KEY } as const;

/** The value of a header that was sent once and is well formed; undefined otherwise. */
export function readHeader(metadata: Metadata, name: keyof typeof PATTERNS): string | undefined {
  const values = metadata.get(name);
  const [value] = values;
  return typeof value === 'string' && values.length === 1 && PATTERNS[name].test(value) ? value : undefined;
}

/**
 * Reads the headers that the contract requires. Refuses INVALID_HEADER, naming each header that is missing, repeated or
 * malformed, and IDEMPOTENCY_KEY_REQUIRED where only the key is missing.
 */
export function readCaller(
  rules: CallRules,
  metadata: Metadata,
  call: CallInfo,
  fingerprint: (roomId: string) => string,
): Caller {
  const violations: Violation[] = [];
  const header = (name: string, form: RegExp, words: LocalizedText): string => {
    const values = metadata.get(name);
    const value = values[0];
    if (typeof value === 'string' && values.length === 1 && form.test(value)) return value;
    violations.push({ field: name, description: value === undefined ? IS_REQUIRED : words });
    return '';
  };
  const userText = rules.actingUser ? header('x-user-id', USER_ID, USER_ID_WORDS) : '';
  const userId = BigInt(userText);
  if (userId > MAX_INT64) violations.push({ field: 'x-user-id', description: USER_ID_WORDS });
  const roomId = rules.room ? header('x-room-id', ROOM_ID, ROOM_ID_WORDS) : '';
  const key = rules.idempotencyKey ? header('idempotency-key', IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_WORDS) : '';
  if (violations.length > 0) throw refuseHeaders(violations);
  return new HeaderCaller(rules, call, userId, roomId, key, fingerprint);
}

/** A class, because an object with getters of its own costs each call a closure for each of them. */
class HeaderCaller implements Caller {
  readonly call: CallInfo;
  readonly #rules: CallRules;
  readonly #userId: bigint;
  readonly #roomId: string;
  readonly #key: string;
  readonly #fingerprint: (roomId: string) => string;

  constructor(
    rules: CallRules,
    call: CallInfo,
    userId: bigint,
    roomId: string,
    key: string,
    fingerprint: (roomId: string) => string,
  ) {
    this.call = call;
    this.#rules = rules;
    this.#userId = userId;
    this.#roomId = roomId;
    this.#key = key;
    this.#fingerprint = fingerprint;
  }

  get userId(): bigint {
    return required('x-user-id', this.#rules.actingUser, this.#userId);
  }

  get roomId(): string {
    return required('x-room-id', this.#rules.room, this.#roomId);
  }

  get key(): IdempotencyKey {
    const key = required('idempotency-key', this.#rules.idempotencyKey, this.#key);
    return { userId: this.#userId, key, fingerprint: this.#fingerprint(this.#roomId) };
  }
}

function refuseHeaders(violations: Violation[]): Refusal {
  const [first] = violations;
  if (violations.length === 1 && first?.field === 'idempotency-key' && first.description === IS_REQUIRED) {
    return refuseField('IDEMPOTENCY_KEY_REQUIRED', 'idempotency-key', IS_REQUIRED);
  }
  return new Refusal('INVALID_HEADER', { violations });
}

function required<T>(name: string, isRequired: boolean, value: T): T {
  if (!isRequired) throw new InvariantError(`the contract of this RPC does not require ${name}`);
  return value;
}

/**
 * Distinguishes requests under one idempotency key: SHA-256 over the RPC, the room and the request as our own code encodes
 * it, so that a request has the same fingerprint over gRPC and REST and from every client.
 */
export function fingerprintOf(path: string, roomId: string, request: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${path}\n${roomId}\n`), request]), 'hex');
}
