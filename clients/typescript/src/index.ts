// The package's public surface: connections, typed services, keys and signatures, errors.

export * as v1Room from '../../../gen/ts/wallet/v1/room_service.ts';
export * as v1Sprinkle from '../../../gen/ts/wallet/v1/sprinkle_service.ts';
export * as v1User from '../../../gen/ts/wallet/v1/user_service.ts';
export * as v1Wallet from '../../../gen/ts/wallet/v1/wallet_service.ts';
export * as v2Event from '../../../gen/ts/wallet/v2/event_service.ts';
export * as v2Gift from '../../../gen/ts/wallet/v2/gift_service.ts';
export * as v2Hold from '../../../gen/ts/wallet/v2/hold_service.ts';
export * as v2Money from '../../../gen/ts/wallet/v2/money.ts';
export * as v2Payout from '../../../gen/ts/wallet/v2/payout_service.ts';
export * as v2Receipt from '../../../gen/ts/wallet/v2/receipt_service.ts';
export * as v2Room from '../../../gen/ts/wallet/v2/room_service.ts';
export * as v2Sprinkle from '../../../gen/ts/wallet/v2/sprinkle_service.ts';
export * as v2Transfer from '../../../gen/ts/wallet/v2/transfer_service.ts';
export * as v2User from '../../../gen/ts/wallet/v2/user_service.ts';
export * as v2Wallet from '../../../gen/ts/wallet/v2/wallet_service.ts';
export * as v2Webhook from '../../../gen/ts/wallet/v2/webhook_service.ts';
export type { CallOptions } from './calls.ts';
export { type Connection, type ConnectOptions, connect } from './connection.ts';
export { type FieldViolation, PpuriError } from './error.ts';
export { hmacKey, type Identity, type OutgoingRequest, signedHeaders } from './headers.ts';
export type { Json, JsonInput, JsonInputValue } from './messages.ts';
export type { RetryOptions } from './retry.ts';
export { type SigningKey, signRequest, type UnsignedRequest } from './signature.ts';
export { pagesOf, type TypedClient, type TypedService } from './typed.ts';
export { type KnownBefore, type SprinkleVerdict, verifySprinkle } from './verify-sprinkle.ts';
export {
  type VerifyOptions,
  verifyWebhook,
  type WebhookEvent,
  type WebhookHeaders,
  WebhookVerificationError,
} from './webhook.ts';
