// Which states of wallets forbid which calls: the cells of the table of test/scenarios/money-states.test.ts.
import { MONEY_RPCS } from './money-rpcs.ts';

const [FROZEN, CLOSED, AWAY] = ['WALLET_FROZEN', 'WALLET_CLOSED', 'RECEIVER_UNAVAILABLE'];
const NEVER: Readonly<Record<string, string>> = {};
/** Money leaves the actor's wallet for a pot, or for outside. */
const PAYS = {
  'frozen OUT': FROZEN,
  frozen: FROZEN,
  'user frozen OUT': FROZEN,
  'user frozen': FROZEN,
  closed: CLOSED,
};
/** Money comes into the actor's wallet. */
const RECEIVES = {
  'frozen IN': FROZEN,
  frozen: FROZEN,
  'user frozen IN': FROZEN,
  'user frozen': FROZEN,
  closed: CLOSED,
};
/** Money goes from the actor to the other. */
const PAYS_OTHER = {
  ...PAYS,
  'the other frozen IN': AWAY,
  'the other frozen': AWAY,
  'the other user frozen IN': AWAY,
  'the other closed': AWAY,
};
/** Money comes into the wallet of the other, who makes the call. */
const OTHER_RECEIVES = {
  'the other frozen IN': FROZEN,
  'the other frozen': FROZEN,
  'the other user frozen IN': FROZEN,
  'the other closed': CLOSED,
};

/** The rows, by the names of MONEY_RPCS: in which states each call is refused, and why. It is made in all others. */
export const REFUSED_IN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'wallet.v1.WalletService/Charge': RECEIVES,
  'wallet.v1.WalletService/Transfer': PAYS_OTHER,
  'wallet.v1.SprinkleService/CreateSprinkle': PAYS,
  'wallet.v1.SprinkleService/ClaimSprinkle': RECEIVES,
  'wallet.v2.TransferService/Deposit': RECEIVES,
  'wallet.v2.TransferService/Withdraw': PAYS,
  'wallet.v2.TransferService/CreateTransfer': PAYS_OTHER,
  'wallet.v2.TransferService/BatchCreateTransfers': PAYS_OTHER,
  'wallet.v2.TransferService/RefundTransfer': PAYS_OTHER,
  'wallet.v2.HoldService/CreateHold': PAYS,
  'wallet.v2.HoldService/CaptureHold, by the holder, who names who is paid': PAYS_OTHER,
  // What was promised before is paid, and the one who captures is the one who is told about the own wallet.
  'wallet.v2.HoldService/CaptureHold, by the other, who was named': OTHER_RECEIVES,
  'wallet.v2.HoldService/CaptureHold, by the actor, who was named': RECEIVES,
  // What comes back from a pot comes back in any state.
  'wallet.v2.HoldService/VoidHold': NEVER,
  'wallet.v2.GiftService/CreateGift': PAYS,
  'wallet.v2.GiftService/AcceptGift': RECEIVES,
  'wallet.v2.GiftService/AcceptGift, by the other': OTHER_RECEIVES,
  'wallet.v2.GiftService/DeclineGift': NEVER,
  'wallet.v2.GiftService/CancelGift': NEVER,
  'wallet.v2.SprinkleService/CreateSprinkle': PAYS,
  'wallet.v2.SprinkleService/ClaimSprinkle': RECEIVES,
  'wallet.v2.SprinkleService/CancelSprinkle': NEVER,
  // Operators take back what came by mistake or by fraud, which is often why a wallet is frozen.
  'admin.v1.AccountService/ReverseTransfer': NEVER,
  'wallet.v2.PayoutService/StartPayout': PAYS,
  'wallet.v2.PayoutService/CancelPayout': NEVER,
};

/** `RPC REASON` for every cell. */
export const REFUSALS: readonly string[] = [
  ...new Set(
    MONEY_RPCS.flatMap(({ name, rpc }) =>
      Object.values(REFUSED_IN[name] ?? {}).map((reason) => `${rpc} ${reason}`),
    ),
  ),
];
