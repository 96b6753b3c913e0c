// wallet.v2 in terms of the use cases, one file a service: parses requests, calls a use case, and writes responses.
export { eventService } from './event.ts';
export { giftService } from './gift.ts';
export { holdService } from './hold.ts';
export { LIMIT_KINDS_ON_THE_WIRE } from './limit.ts';
export { parseAmount, toTransfer } from './money.ts';
export { payoutService } from './payout.ts';
export { receiptService } from './receipt.ts';
export { roomService } from './room.ts';
export { sprinkleService } from './sprinkle.ts';
export { transferService } from './transfer.ts';
export { userService } from './user.ts';
export { walletService } from './wallet.ts';
export { webhookService } from './webhook.ts';
