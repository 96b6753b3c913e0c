// The package's public surface: connections by name and in JSON, typed clients, signatures, errors.

export * as v1Room from '../../../gen/ts/wallet/v1/room_service.ts';
export * as v1Sprinkle from '../../../gen/ts/wallet/v1/sprinkle_service.ts';
export * as v1User from '../../../gen/ts/wallet/v1/user_service.ts';
export * as v1Wallet from '../../../gen/ts/wallet/v1/wallet_service.ts';
export * as v2Money from '../../../gen/ts/wallet/v2/money.ts';
export * as v2Payout from '../../../gen/ts/wallet/v2/payout_service.ts';
export * as v2Room from '../../../gen/ts/wallet/v2/room_service.ts';
export * as v2Sprinkle from '../../../gen/ts/wallet/v2/sprinkle_service.ts';
export * as v2Transfer from '../../../gen/ts/wallet/v2/transfer_service.ts';
export * as v2User from '../../../gen/ts/wallet/v2/user_service.ts';
export * as v2Wallet from '../../../gen/ts/wallet/v2/wallet_service.ts';
export { type FieldViolation, PpuriError } from './error.ts';
export { type Connection, type ConnectOptions, connect, type Json } from './grpc.ts';
export { headersOf, hmacKey, type Identity, type OutgoingRequest, signedHeaders } from './headers.ts';
export { metadataOf, signingInterceptor } from './interceptor.ts';
export { type RestAnswer, requestRest } from './rest.ts';
export { type SigningKey, signRequest, type UnsignedRequest } from './signature.ts';
