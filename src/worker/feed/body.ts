// What is sent of an event, and whose order it has to keep.
import { toCloudEvent } from '../../domain/cloud-event.ts';
import type { FeedEvent } from '../../domain/event.ts';

/** The wallets that an event is about, each once; none for an event that is about none. */
export function walletsOf({ data }: FeedEvent): string[] {
  if ('transfer' in data) {
    const { transfer, debitUserId, creditUserId } = data.transfer;
    // Accounts without a user are pots and the outside, which all wallets share.
    return [
      ...(debitUserId === undefined ? [] : [transfer.debitAccountId]),
      ...(creditUserId === undefined ? [] : [transfer.creditAccountId]),
    ];
  }
  const { wallet_id: walletId, credit_wallet_id: creditWalletId } = data.facts;
  return [...new Set([walletId, creditWalletId])].filter((wallet) => typeof wallet === 'string');
}

/** What an event waits behind: its wallets, and its subject where it is no transfer. The events of each are sent in their order. */
export function linesOf(event: FeedEvent): string[] {
  return 'transfer' in event.data ? walletsOf(event) : [event.subject, ...walletsOf(event)];
}

/** The body of an event: the same bytes whenever it is made, because an event never changes. */
export function bodyOf(event: FeedEvent): string {
  return JSON.stringify(toCloudEvent(event));
}
