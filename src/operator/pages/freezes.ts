// What keeps a wallet or a user from paying and receiving: its state for everybody who may read, why only for admins.
import type { Account } from '../../domain/account.ts';
import { type Freeze, type FreezeTarget, targetName } from '../../domain/freeze.ts';
import { walletStateAt } from '../../domain/restriction.ts';
import { END_OF_TIME, MICROS_PER_MS } from '../../domain/time.ts';
import { badge, link, moment, table } from '../format.ts';
import { type Html, html, type Value } from '../html.ts';
import type { ViewContext } from '../view.ts';

/** The state of a wallet. */
export function stateBadge({ restriction }: Account): Html {
  const state = walletStateAt(restriction, Date.now() * MICROS_PER_MS);
  return badge(state.replace('-', ' '), state === 'open' ? 'good' : 'bad');
}

/** The freezes that are not over, with who set them and why; nothing for those who may not see them. */
export async function freezesSection(
  { admin, operator }: Pick<ViewContext, 'admin' | 'operator'>,
  target: FreezeTarget,
): Promise<Html> {
  if (!operator.isAdmin) return html``;
  const { freezes = [] } = (await admin.accounts.status(target)) ?? {};
  const acts = `/operator/audit?${new URLSearchParams({ target: targetName(target) })}`;
  return html`<h2>Freezes</h2>
${table('Freezes', ['Of', 'Direction', 'Until', 'Case', 'Reason', 'Set', 'By'], freezes.map(freezeRow), 'There are none.')}
<p><a href="${acts}">What was done to it before</a></p>`;
}

function freezeRow({ target, direction, until, caseId, reason, frozenAt, frozenBy }: Freeze): Value[] {
  return [
    'walletId' in target ? link('wallets', target.walletId) : html`user ${link('users', target.userId)}`,
    direction,
    until < END_OF_TIME ? moment(until) : 'no end',
    caseId,
    reason,
    moment(frozenAt),
    link('keys', frozenBy),
  ];
}
