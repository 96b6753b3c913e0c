// wallet.v2 in terms of the use cases, one file a service: parses requests, calls a use case, and writes responses.
export { payoutService } from './payout.ts';
export { roomService } from './room.ts';
export { sprinkleService } from './sprinkle.ts';
export { transferService } from './transfer.ts';
export { userService } from './user.ts';
export { walletService } from './wallet.ts';
