// The states of wallets as the contracts name them.
import { WalletState as WireState } from '../../gen/ts/wallet/v2/wallet_service.ts';
import type { WalletState } from '../domain/restriction.ts';

/** Each state as the contracts name it. */
export const WIRE_WALLET_STATES: Record<WalletState, WireState> = {
  open: WireState.OPEN,
  'frozen-out': WireState.FROZEN_OUT,
  'frozen-in': WireState.FROZEN_IN,
  frozen: WireState.FROZEN,
  closed: WireState.CLOSED,
};
