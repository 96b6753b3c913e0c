// The table of all errors that callers can get: reason, code, gRPC status and texts.

import { entry, notFound, precondition, type ReasonEntry } from './reason-entry.ts';
import { WEBHOOK_REASONS } from './webhook-reasons.ts';

export type { ErrorCode, ReasonEntry, StatusName } from './reason-entry.ts';

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
  ROUTE_NOT_FOUND: notFound('there is no such path', '존재하지 않는 경로입니다'),
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
    'this call needs an idempotency-key header',
    '이 요청에는 idempotency-key 헤더가 필요합니다',
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
  USER_NOT_FOUND: notFound('there is no such user', '사용자를 찾을 수 없습니다'),
  WALLET_NOT_FOUND: notFound('there is no such wallet', '지갑을 찾을 수 없습니다'),
  ROOM_NOT_FOUND: notFound('there is no such room', '방을 찾을 수 없습니다'),
  TRANSFER_NOT_FOUND: notFound('there is no such transfer', '거래를 찾을 수 없습니다'),
  SPRINKLE_NOT_FOUND: notFound('there is no such sprinkle', '뿌리기를 찾을 수 없습니다'),
  KEY_NOT_FOUND: notFound('there is no such API key', 'API 키를 찾을 수 없습니다'),
  PAYOUT_NOT_FOUND: notFound('there is no such payout', '지급 건을 찾을 수 없습니다'),
  LIMIT_POLICY_NOT_FOUND: notFound(
    'there is no limit policy for this tier and currency',
    '해당 등급과 통화의 한도 정책이 없습니다',
  ),
  HOLD_NOT_FOUND: notFound('there is no such hold', '보류 건을 찾을 수 없습니다'),
  GIFT_NOT_FOUND: notFound('there is no such gift', '선물을 찾을 수 없습니다'),
  FREEZE_NOT_FOUND: notFound('the case has no such freeze', '해당 사건으로 설정된 동결이 없습니다'),
  JOB_NOT_FOUND: notFound('there is no such job', '작업을 찾을 수 없습니다'),
  SERVICE_NOT_FOUND: notFound('there is no such service', '서비스를 찾을 수 없습니다'),
  COMPRESSION_NOT_SUPPORTED: entry(
    'ERR001',
    'UNIMPLEMENTED',
    'compressed requests are not accepted',
    '압축된 요청은 받지 않습니다',
  ),
  METHOD_NOT_FOUND: entry('ERR005', 'UNIMPLEMENTED', 'there is no such method', '지원하지 않는 메서드입니다'),
  BALANCE_TOO_LOW: precondition('the balance is too low', '잔액이 부족합니다'),
  BALANCE_TOO_HIGH: precondition(
    'the balance would exceed what an account can hold',
    '계좌가 담을 수 있는 한도를 넘습니다',
  ),
  WALLET_FROZEN: precondition(
    'the wallet is frozen: it cannot pay or receive at the moment',
    '동결된 지갑입니다. 지금은 보내거나 받을 수 없습니다',
  ),
  WALLET_CLOSED: precondition('the wallet is closed', '해지된 지갑입니다'),
  WALLET_NOT_EMPTY: precondition('the wallet still has money', '지갑에 잔액이 남아 있습니다'),
  WALLET_IN_USE: precondition(
    'money of the wallet is still set aside in a hold, a sprinkle or a payout',
    '보류, 뿌리기, 지급에 묶여 있는 금액이 있는 지갑입니다',
  ),
  WALLET_IS_DEFAULT: precondition(
    'the default wallet is closed last: make another wallet the default one first',
    '기본 지갑은 마지막에만 해지할 수 있습니다. 먼저 다른 지갑을 기본으로 지정해 주세요',
  ),
  RECEIVER_UNAVAILABLE: precondition(
    'the receiver cannot take money at the moment',
    '지금은 받는 사람에게 보낼 수 없습니다',
  ),
  IDEMPOTENCY_KEY_REUSED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'the idempotency key was already used with a different request',
    '이미 다른 요청에 사용된 idempotency-key 입니다',
  ),
  REFERENCE_REUSED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'the user has already given this reference to another one',
    '이미 다른 건에 사용한 reference 입니다',
  ),
  OWN_SPRINKLE: precondition(
    'the creator of a sprinkle cannot claim a share of it',
    '자신이 뿌린 건은 받을 수 없습니다',
  ),
  SPRINKLE_EXPIRED: precondition('the sprinkle has expired', '뿌리기가 종료되었습니다'),
  SPRINKLE_EMPTY: precondition(
    'all shares of the sprinkle have been claimed',
    '뿌리기가 모두 소진되었습니다',
  ),
  SPRINKLE_CANCELLED: precondition(
    'the creator of the sprinkle has cancelled it',
    '뿌린 사람이 취소한 뿌리기입니다',
  ),
  SPRINKLE_FOR_OTHERS: entry(
    'ERR004',
    'PERMISSION_DENIED',
    'the sprinkle is for certain members of the room, and this user is not one of them',
    '정해진 멤버만 받을 수 있는 뿌리기입니다',
  ),
  SPRINKLE_OPEN: precondition(
    'the proof of a sprinkle is given once no more shares can be claimed',
    '뿌리기의 증명은 더 이상 받을 수 없게 된 뒤에 공개됩니다',
  ),
  SPRINKLE_WITHOUT_PROOF: precondition(
    'the sprinkle was made by a release without proofs',
    '증명을 지원하기 전에 만들어진 뿌리기입니다',
  ),
  ALREADY_CLAIMED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'this user has already claimed a share of the sprinkle',
    '이미 받은 뿌리기입니다',
  ),
  ROOM_OUT_OF_TOKENS: precondition(
    'every token of the room is in use by an active sprinkle',
    '이 방에서 사용할 수 있는 토큰이 없습니다',
  ),
  HOLD_CAPTURED: precondition('the hold has been captured', '이미 지급이 끝난 보류 건입니다'),
  HOLD_VOIDED: precondition('the hold has been voided', '이미 취소된 보류 건입니다'),
  HOLD_EXPIRED: precondition('the time of the hold is over', '기간이 지난 보류 건입니다'),
  HOLD_AMOUNT_EXCEEDED: precondition(
    'the amount is more than is left of the hold',
    '남은 보류 금액보다 큰 금액입니다',
  ),
  HOLD_HAS_RECEIVER: precondition(
    'the hold names its receiver, who alone can capture it',
    '받는 사람이 정해진 보류 건이며, 그 사람만 지급받을 수 있습니다',
  ),
  GIFT_ACCEPTED: precondition('the gift has been accepted', '이미 받은 선물입니다'),
  GIFT_DECLINED: precondition('the gift has been declined', '이미 거절된 선물입니다'),
  GIFT_CANCELLED: precondition('the gift has been cancelled', '이미 취소된 선물입니다'),
  GIFT_EXPIRED: precondition('the time of the gift is over', '기간이 지난 선물입니다'),
  GIFT_FOR_RECEIVER: precondition(
    'only the receiver of a gift can accept or decline it',
    '선물은 받는 사람만 받거나 거절할 수 있습니다',
  ),
  GIFT_FOR_SENDER: precondition(
    'only the sender of a gift can cancel it',
    '선물은 보낸 사람만 취소할 수 있습니다',
  ),
  TRANSFER_NOT_REFUNDABLE: precondition(
    'only its receiver can refund a transfer, and only one that came from a wallet, a sprinkle, a payout, a hold or a gift',
    '지갑, 뿌리기, 지급, 보류, 선물에서 받은 이체만, 받은 사람이 환불할 수 있습니다',
  ),
  APPROVAL_REQUIRED: precondition(
    'this act needs the approval of a second operator: another key has to send the same request',
    '다른 운영자의 승인이 필요한 작업입니다. 다른 키로 같은 요청을 보내 주세요',
  ),
  TRANSFER_NOT_REVERSIBLE: precondition(
    'a transfer of this kind cannot be reversed: what was set aside comes back by itself',
    '되돌릴 수 없는 종류의 거래입니다. 따로 보관된 금액은 저절로 돌아옵니다',
  ),
  REFUND_EXCEEDS_TRANSFER: precondition(
    'the refunds of a transfer cannot be more than the transfer',
    '환불 금액의 합은 이체 금액을 넘을 수 없습니다',
  ),
  PAYOUT_STARTED: precondition('the payout is no longer a draft', '이미 시작되었거나 종료된 지급 건입니다'),
  PAYOUT_HAS_INVALID_LINES: precondition(
    'some lines of the payout cannot be paid, and a payout pays all of its lines or none',
    '지급할 수 없는 항목이 있어 전체 지급을 시작할 수 없습니다',
  ),
  LINE_OUT_OF_ORDER: precondition(
    'lines are added in order and without gaps; a line may be sent again only unchanged',
    '항목은 빠짐없이 순서대로 추가해야 합니다',
  ),
  LINE_KEY_REUSED: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'an earlier line of the payout has the same key',
    '같은 키를 가진 항목이 이미 있습니다',
  ),
  LIMIT_EXCEEDED: precondition(
    'the amount is above a limit of the user; limit_kind, limit, left and resets_at in the metadata name it',
    '이용 한도를 넘는 금액입니다. 어떤 한도인지는 메타데이터의 limit_kind, limit, left, resets_at에 있습니다',
  ),
  HOLDING_LIMIT_REACHED: precondition(
    'the user would hold more than its limit allows; limit and left in the metadata say how much that is',
    '보유 한도를 넘게 됩니다. 한도와 남은 금액은 메타데이터의 limit, left에 있습니다',
  ),
  RECEIVER_LIMIT_REACHED: precondition(
    'the receiver cannot take this amount',
    '받는 사람이 받을 수 없는 금액입니다',
  ),
  KEY_ROTATION_IN_PROGRESS: precondition(
    'the API key and the key that it replaced are both active; wait until the older one expires, or revoke it',
    '이 API 키와 이전 키가 모두 사용 중입니다. 이전 키가 끝나기를 기다리거나 폐기해 주세요',
  ),
  KEY_NOT_ACTIVE: precondition(
    'only an active API key that has not been replaced can be replaced',
    '활성 상태의 API 키만 교체할 수 있습니다',
  ),
  RECOVERY_NOT_CONFIGURED: precondition(
    'no running worker is set up for this; BACKUP_COMMAND and DRILL_COMMAND of a worker say how',
    '이 작업을 하도록 설정되어 실행 중인 워커가 없습니다. 워커의 BACKUP_COMMAND와 DRILL_COMMAND로 설정해 주세요',
  ),
  RECOVERY_RUN_UNDER_WAY: precondition(
    'another run of the same kind is queued or under way; run_id in the metadata names it',
    '같은 종류의 작업이 대기 중이거나 실행 중입니다. 메타데이터의 run_id가 그 작업입니다',
  ),
  RECEIPT_NOT_READY: precondition(
    'no signed checkpoint has it yet; retry in some seconds',
    '아직 서명된 체크포인트에 포함되지 않았습니다. 몇 초 후 다시 시도해 주세요',
  ),
  TRANSFER_PREDATES_LOG: precondition(
    'the transfer was posted before the transparency log began, so it has no receipt',
    '투명성 로그가 시작되기 전의 거래라 영수증이 없습니다',
  ),
  QUOTA_EXCEEDED: precondition(
    'the user already has the maximum number of these',
    '만들 수 있는 개수를 모두 사용했습니다',
  ),
  USER_EXISTS: entry('ERR006', 'ALREADY_EXISTS', 'the user already exists', '이미 존재하는 사용자입니다'),
  ROOM_EXISTS: entry('ERR006', 'ALREADY_EXISTS', 'the room already exists', '이미 존재하는 방입니다'),
  FEED_RESTARTED: precondition(
    'the database was restored, and what the cursor stands for no longer exists; read from the start and compare with what you have',
    '데이터베이스가 복원되어 커서가 가리키던 것이 더는 없습니다. 처음부터 다시 읽고 가진 것과 비교해 주세요',
  ),
  CURSOR_EXPIRED: precondition(
    'the events after this cursor are no longer kept; read from the start, and what is missing from the lists of transfers',
    '이 커서 다음의 이벤트는 보관 기간이 지났습니다. 처음부터 다시 읽고, 빠진 것은 거래 목록에서 읽어 주세요',
  ),
  ...WEBHOOK_REASONS,
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
