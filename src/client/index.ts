// What callers of ppuri use: connections, errors, and the typed clients of every service.

export * as v1Room from '../../gen/ts/wallet/v1/room_service.ts';
export * as v1Sprinkle from '../../gen/ts/wallet/v1/sprinkle_service.ts';
export * as v1User from '../../gen/ts/wallet/v1/user_service.ts';
export * as v1Wallet from '../../gen/ts/wallet/v1/wallet_service.ts';
export * as v2Payout from '../../gen/ts/wallet/v2/payout_service.ts';
export * as v2Room from '../../gen/ts/wallet/v2/room_service.ts';
export * as v2Sprinkle from '../../gen/ts/wallet/v2/sprinkle_service.ts';
export * as v2Transfer from '../../gen/ts/wallet/v2/transfer_service.ts';
export * as v2User from '../../gen/ts/wallet/v2/user_service.ts';
export * as v2Wallet from '../../gen/ts/wallet/v2/wallet_service.ts';
export { type SigningKey, signRequest } from '../signatures/index.ts';
export { type FieldViolation, PpuriError } from './error.ts';
export { type Connection, connect, type Json } from './grpc.ts';
export { headersOf, type Identity } from './identity.ts';
export { type RestAnswer, requestRest } from './rest.ts';
export { hmacKey, type OutgoingRequest, signedHeaders } from './signer.ts';
