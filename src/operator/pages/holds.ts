// Holds and gifts: money of a wallet that is set aside.
import { type Hold, remainingOf, stateAt } from '../../domain/hold.ts';
import { refuseField } from '../../domain/refusal.ts';
import { badge, facts, link, moment, money, table } from '../format.ts';
import { type Html, html, type Value } from '../html.ts';
import type { ViewEntry } from '../view.ts';
import { annotationFacts } from './annotations.ts';

export const HOLD: ViewEntry = {
  name: 'hold',
  path: /^\/holds\/([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/,
  requires: 'read',
  async make({ core, id }) {
    const found = await core.holds.find(id);
    if (!found) throw refuseField('HOLD_NOT_FOUND', 'hold_id');
    const { hold, at } = found;
    const amount = (value: bigint) => money(value, hold.currency);
    const body = facts([
      ['Id', html`<code>${hold.id}</code>`],
      ['Kind', hold.kind],
      ['State', badge(stateAt(hold, at), 'plain')],
      ['Amount', html`<strong>${amount(hold.amount)}</strong>`],
      ['Captured', amount(hold.capturedAmount)],
      ['Still set aside', amount(remainingOf(hold))],
      ['Of user', link('users', hold.userId)],
      ['Of wallet', link('wallets', hold.walletId)],
      ['For', receiverOf(hold)],
      ['Reason', hold.reason],
      ...annotationFacts(hold.annotation),
      ['Made', moment(hold.createdAt)],
      ['Expires', moment(hold.expiresAt)],
      ['Closed', moment(hold.closedAt)],
    ]);
    return { title: hold.kind === 'gift' ? 'Gift' : 'Hold', body };
  },
};

function receiverOf({ receiver }: Hold): Value {
  if (!receiver) return 'whom each capture names';
  return html`wallet ${link('wallets', receiver.walletId)} of user ${link('users', receiver.userId)}`;
}

/** Holds and gifts on a wallet, and those that would be paid into it. */
export function holdsTable(holds: readonly { readonly hold: Hold; readonly at: number }[]): Html {
  const rows = holds.map(({ hold, at }) => [
    moment(hold.createdAt),
    hold.kind,
    stateAt(hold, at),
    money(hold.amount, hold.currency),
    money(remainingOf(hold), hold.currency),
    html`user ${link('users', hold.userId)}`,
    hold.reason,
    link('holds', hold.id),
  ]);
  const head = ['Made', 'Kind', 'State', 'Amount', 'Still set aside', 'Of', 'Reason', 'Id'];
  return table('Holds', head, rows, 'There are none.');
}
