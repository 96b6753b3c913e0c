// wallet.v1 in terms of the use cases, one file a service: parses requests, calls a use case, and writes responses.
export { roomService } from './room.ts';
export { sprinkleService } from './sprinkle.ts';
export { userService } from './user.ts';
export { walletService } from './wallet.ts';
