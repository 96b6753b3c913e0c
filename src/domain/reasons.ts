// The table of all errors that callers can get: reason, code, gRPC status and texts.

import type { LocalizedText } from './localized-text.ts';

/** The gRPC status names that ppuri answers with (google.rpc.Code). */
export type StatusName =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNAUTHENTICATED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE';

/** The codes that clients can switch on; they don't change when reasons are added. */
export type ErrorCode =
  | 'ERR001'
  | 'ERR002'
  | 'ERR003'
  | 'ERR004'
  | 'ERR005'
  | 'ERR006'
  | 'ERR007'
  | 'ERR008'
  | 'ERR009'
  | 'ERR010';

/** What a reason means to a caller. */
export interface ReasonEntry extends LocalizedText {
  readonly code: ErrorCode;
  readonly status: StatusName;
}

const entry = (code: ErrorCode, status: StatusName, en: string, ko: string): ReasonEntry => ({
  code,
  status,
  en,
  ko,
});

/** Every reason for an answer that is not OK. `reason` of google.rpc.ErrorInfo is a key of this table. */
export const REASONS = {
  INVALID_FIELD: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the request has invalid fields',
    '요청 값이 올바르지 않습니다',
  ),
  MALFORMED_REQUEST: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the request cannot be parsed',
    '요청을 해석할 수 없습니다',
  ),
  // Only the edge gives the next four: what they refuse never reaches the server.
  ROUTE_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such path', '존재하지 않는 경로입니다'),
  REQUEST_TOO_LARGE: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the body of the request is too large',
    '요청 본문이 너무 큽니다',
  ),
  HEADERS_TOO_LARGE: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the headers of the request are too large',
    '요청 헤더가 너무 큽니다',
  ),
  UNSUPPORTED_CONTENT_TYPE: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'gRPC is served on another port',
    'gRPC는 다른 포트에서 제공됩니다',
  ),
  INVALID_HEADER: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'a header is missing or malformed',
    '헤더가 없거나 형식이 올바르지 않습니다',
  ),
  INVALID_PAGE_TOKEN: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the page token does not belong to this list',
    '페이지 토큰이 이 목록의 것이 아닙니다',
  ),
  IDEMPOTENCY_KEY_REQUIRED: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'a call that moves money needs an idempotency-key header',
    '자금 이동 요청에는 idempotency-key 헤더가 필요합니다',
  ),
  UNKNOWN_CURRENCY: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the currency is not supported',
    '지원하지 않는 통화입니다',
  ),
  CURRENCY_MISMATCH: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the currencies do not match',
    '통화가 서로 다릅니다',
  ),
  SELF_TRANSFER: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the source and the destination are the same wallet',
    '같은 지갑으로는 보낼 수 없습니다',
  ),
  HEADCOUNT_ABOVE_AMOUNT: entry(
    'ERR001',
    'INVALID_ARGUMENT',
    'the amount is too small for that many shares',
    '인원수보다 금액이 작습니다',
  ),
  // One answer for every failure up to the signature, so that guessing keys or signatures reveals nothing.
  AUTHENTICATION_FAILED: entry(
    'ERR002',
    'UNAUTHENTICATED',
    'the signature is missing or invalid, or the key is not active',
    '서명을 확인할 수 없습니다',
  ),
  NONCE_REUSED: entry(
    'ERR002',
    'UNAUTHENTICATED',
    'the nonce has been used before, and the call it came with may have been done: sign again with a new nonce under the same idempotency key, or ask GetOutcome',
    '이미 사용된 nonce 이며, 앞서 보낸 요청은 처리되었을 수 있습니다. 같은 idempotency-key로 새로 서명해 다시 보내거나 GetOutcome으로 확인해 주세요',
  ),
  INTERNAL: entry('ERR003', 'INTERNAL', 'internal error', '내부 오류가 발생했습니다'),
  MISSING_SCOPE: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'the API key is not allowed to make this call',
    '이 API 키로는 할 수 없는 요청입니다',
  ),
  GRANT_TOO_WIDE: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'an API key cannot grant more than it has itself',
    'API 키는 자신이 가진 것보다 넓은 권한을 줄 수 없습니다',
  ),
  KEY_USER_MISMATCH: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'the API key may not act for this user',
    '이 API 키는 해당 사용자를 대신할 수 없습니다',
  ),
  NOT_SELF: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'only the user concerned may do this',
    '본인만 할 수 있는 요청입니다',
  ),
  NOT_ROOM_OWNER: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'only the owner of the room may do this',
    '방 소유자만 할 수 있는 요청입니다',
  ),
  REMOVED_BY_OWNER: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'the owner of the room removed this user; only the owner can add the user again',
    '방 소유자가 내보낸 사용자입니다. 방 소유자만 다시 추가할 수 있습니다',
  ),
  USER_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such user', '사용자를 찾을 수 없습니다'),
  WALLET_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such wallet', '지갑을 찾을 수 없습니다'),
  ROOM_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such room', '방을 찾을 수 없습니다'),
  TRANSFER_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such transfer', '거래를 찾을 수 없습니다'),
  SPRINKLE_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such sprinkle', '뿌리기를 찾을 수 없습니다'),
  KEY_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such API key', 'API 키를 찾을 수 없습니다'),
  PAYOUT_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such payout', '지급 건을 찾을 수 없습니다'),
  JOB_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such job', '작업을 찾을 수 없습니다'),
  SERVICE_NOT_FOUND: entry('ERR005', 'NOT_FOUND', 'there is no such service', '서비스를 찾을 수 없습니다'),
  COMPRESSION_NOT_SUPPORTED: entry(
    'ERR001',
    'UNIMPLEMENTED',
    'compressed requests are not accepted',
    '압축된 요청은 받지 않습니다',
  ),
  METHOD_NOT_FOUND: entry('ERR005', 'UNIMPLEMENTED', 'there is no such method', '지원하지 않는 메서드입니다'),
  BALANCE_TOO_LOW: entry('ERR006', 'FAILED_PRECONDITION', 'the balance is too low', '잔액이 부족합니다'),
  BALANCE_TOO_HIGH: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'the balance would exceed what an account can hold',
    '계좌가 담을 수 있는 한도를 넘습니다',
  ),
  IDEMPOTENCY_KEY_REUSED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'the idempotency key was already used with a different request',
    '이미 다른 요청에 사용된 idempotency-key 입니다',
  ),
  OWN_SPRINKLE: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'the creator of a sprinkle cannot claim a share of it',
    '자신이 뿌린 건은 받을 수 없습니다',
  ),
  SPRINKLE_EXPIRED: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'the sprinkle has expired',
    '뿌리기가 종료되었습니다',
  ),
  SPRINKLE_EMPTY: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'all shares of the sprinkle have been claimed',
    '뿌리기가 모두 소진되었습니다',
  ),
  ALREADY_CLAIMED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'this user has already claimed a share of the sprinkle',
    '이미 받은 뿌리기입니다',
  ),
  ROOM_OUT_OF_TOKENS: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'every token of the room is in use by an active sprinkle',
    '이 방에서 사용할 수 있는 토큰이 없습니다',
  ),
  PAYOUT_STARTED: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'the payout is no longer a draft',
    '이미 시작되었거나 종료된 지급 건입니다',
  ),
  PAYOUT_HAS_INVALID_LINES: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'some lines of the payout cannot be paid, and a payout pays all of its lines or none',
    '지급할 수 없는 항목이 있어 전체 지급을 시작할 수 없습니다',
  ),
  LINE_OUT_OF_ORDER: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'lines are added in order and without gaps; a line may be sent again only unchanged',
    '항목은 빠짐없이 순서대로 추가해야 합니다',
  ),
  LINE_KEY_REUSED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'an earlier line of the payout has the same key',
    '같은 키를 가진 항목이 이미 있습니다',
  ),
  KEY_ROTATION_IN_PROGRESS: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'the API key and the key that it replaced are both active; wait until the older one expires, or revoke it',
    '이 API 키와 이전 키가 모두 사용 중입니다. 이전 키가 끝나기를 기다리거나 폐기해 주세요',
  ),
  KEY_NOT_ACTIVE: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'only an active API key that has not been replaced can be replaced',
    '활성 상태의 API 키만 교체할 수 있습니다',
  ),
  QUOTA_EXCEEDED: entry(
    'ERR006',
    'FAILED_PRECONDITION',
    'the user already has the maximum number of these',
    '만들 수 있는 개수를 모두 사용했습니다',
  ),
  USER_EXISTS: entry('ERR006', 'ALREADY_EXISTS', 'the user already exists', '이미 존재하는 사용자입니다'),
  ROOM_EXISTS: entry('ERR006', 'ALREADY_EXISTS', 'the room already exists', '이미 존재하는 방입니다'),
  CONFLICT: entry(
    'ERR007',
    'ABORTED',
    'conflict with a concurrent call; retry',
    '다른 요청과 충돌했습니다. 다시 시도해 주세요',
  ),
  ATTEMPT_SUPERSEDED: entry(
    'ERR007',
    'ABORTED',
    'a later attempt under this idempotency key was refused, or its outcome was queried, so this attempt did nothing; sign it again to retry',
    '같은 idempotency-key의 더 늦은 요청이 거절되었거나 결과가 조회되어 이 요청은 처리되지 않았습니다. 다시 서명해 재시도해 주세요',
  ),
  RATE_LIMITED: entry(
    'ERR008',
    'RESOURCE_EXHAUSTED',
    'too many requests; retry later',
    '요청이 너무 많습니다. 잠시 후 다시 시도해 주세요',
  ),
  TOO_MANY_FAILURES: entry(
    'ERR008',
    'RESOURCE_EXHAUSTED',
    'too many failed attempts; retry later',
    '실패한 시도가 너무 많습니다. 잠시 후 다시 시도해 주세요',
  ),
  MESSAGE_TOO_LARGE: entry(
    'ERR008',
    'RESOURCE_EXHAUSTED',
    'the message is too large',
    '요청 메시지가 너무 큽니다',
  ),
  UNAVAILABLE: entry(
    'ERR009',
    'UNAVAILABLE',
    'the service is temporarily unavailable; retry',
    '일시적으로 처리할 수 없습니다. 다시 시도해 주세요',
  ),
  DEADLINE_EXCEEDED: entry(
    'ERR010',
    'DEADLINE_EXCEEDED',
    'the call took longer than its deadline',
    '처리 시간이 초과되었습니다',
  ),
  CANCELLED: entry('ERR010', 'CANCELLED', 'the caller cancelled the call', '요청이 취소되었습니다'),
} as const satisfies Record<string, ReasonEntry>;

/** A reason for an answer that is not OK. */
export type Reason = keyof typeof REASONS;
