// Transfers, wallets, users and payouts, of every user: for keys with the scope read that are bound to none.
import type { Account } from '../../domain/account.ts';
import type { PayoutLine } from '../../domain/payout.ts';
import { REASONS } from '../../domain/reasons.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { PostedTransfer, Transfer } from '../../domain/transfer.ts';
import {
  type Core,
  findTransfersOf,
  getUser,
  listOwnWallets,
  listPayoutFailures,
  listTransactions,
  type Transaction,
} from '../../usecases/index.ts';
import { badge, facts, link, moment, money, next, pathWith, table } from '../format.ts';
import { html, type Value } from '../html.ts';
import type { ViewEntry } from '../view.ts';
import { annotationFacts } from './annotations.ts';
import { freezesSection, stateBadge } from './freezes.ts';
import { holdsTable } from './holds.ts';
import { placeOf, placeText } from './place.ts';

const PAGE_SIZE = 20;
const UUID = '[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}';
const pathOf = (kind: string, id: string) => new RegExp(`^/${kind}/(${id})$`);

export const TRANSFER: ViewEntry = {
  name: 'transfer',
  path: pathOf('transfers', UUID),
  requires: 'read',
  async make({ core, id, operator }) {
    const posted = (await findTransfersOf(core, [id])).get(id);
    if (!posted) throw refuseField('TRANSFER_NOT_FOUND', 'transfer_id');
    return { title: 'Transfer', body: transferFacts(posted, operator.isAdmin) };
  },
};

function transferFacts(posted: PostedTransfer, isAdmin: boolean) {
  const {
    transfer,
    debitUserId,
    creditUserId,
    holdId,
    giftId,
    refundedAmount = 0n,
    refundsTransferId,
  } = posted;
  const side = (accountId: string, userId: bigint | undefined, after: bigint): Value =>
    userId === undefined
      ? html`<code>${accountId}</code>, no wallet: money outside, of a sprinkle, a hold, a gift or a payout; ${money(after, transfer.currency)} after it`
      : html`wallet ${link('wallets', accountId)} of user ${link('users', userId)}, ${money(after, transfer.currency)} after it`;
  return facts([
    ['Id', html`<code>${transfer.id}</code>`],
    ['Posted', moment(transfer.createdAt)],
    ['Kind', transfer.kind],
    ['Amount', html`<strong>${money(transfer.amount, transfer.currency)}</strong>`],
    ['From', side(transfer.debitAccountId, debitUserId, transfer.debitBalanceAfter)],
    ['To', side(transfer.creditAccountId, creditUserId, transfer.creditBalanceAfter)],
    ['Memo', transfer.memo],
    ...annotationFacts(posted.annotation),
    ['Hold', holdId === undefined ? 'none' : link('holds', holdId)],
    ['Gift', giftId === undefined ? 'none' : link('holds', giftId)],
    ['Refunded', money(refundedAmount, transfer.currency)],
    ['Refund of', refundsTransferId === undefined ? 'none' : link('transfers', refundsTransferId)],
    ['Sprinkle', transfer.sprinkleId === undefined ? 'none' : html`<code>${transfer.sprinkleId}</code>`],
    ['Key of the call', keyOf(transfer, isAdmin)],
    ['Its request', html`is in the log of transactions, under <code>ppuri.transfer.id</code>`],
  ]);
}

/** Only admins see more of it than its id. */
function keyOf({ keyId }: Transfer, isAdmin: boolean): Value {
  if (keyId === undefined) return 'none: a job';
  return isAdmin ? link('keys', keyId) : html`<code>${keyId}</code>`;
}

export const WALLET: ViewEntry = {
  name: 'wallet',
  path: pathOf('wallets', UUID),
  requires: 'read',
  async make({ core, admin, operator, id, query }) {
    const wallet = await core.wallets.find(id);
    if (wallet?.ownerUserId === undefined) throw refuseField('WALLET_NOT_FOUND', 'wallet_id');
    const [annotations, holds, page, freezes] = await Promise.all([
      core.annotations.ofWallets([id]),
      core.holds.listAll(id, { states: [], after: undefined, size: PAGE_SIZE }),
      transactionsOf(core, wallet, query),
      freezesSection({ admin, operator }, { walletId: id }),
    ]);
    const body = html`${facts([
      ['Id', html`<code>${wallet.id}</code>`],
      ['User', link('users', wallet.ownerUserId)],
      ['State', stateBadge(wallet)],
      ['Name', wallet.displayName],
      ...annotationFacts(annotations.get(id)),
      ['Balance', html`<strong>${money(wallet.balance, wallet.currency)}</strong>`],
      ['Held', html`${money(wallet.heldAmount, wallet.currency)}, not part of the balance`],
      ['Default', wallet.isDefault ? 'yes' : 'no'],
      ['Changes', wallet.version],
      ['Made', moment(wallet.createdAt)],
      ['Last changed', moment(wallet.updatedAt)],
    ])}
${freezes}
<h2>Holds and gifts, the newest</h2>
${holdsTable(holds.items)}
<h2>Transfers, newest first</h2>
${table('Transfers', ['When', 'Kind', 'Amount', 'Balance after', 'Other side', 'Memo', 'Transfer'], page.items.map(transactionRow), 'There are none.')}
${next(page.next && pathWith(`wallets/${id}`, { after: placeText(page.next) }))}`;
    return { title: 'Wallet', body };
  },
};

function transactionsOf(core: Core, { id, ownerUserId = 0n }: Account, query: URLSearchParams) {
  const all = { kinds: undefined, from: undefined, before: undefined };
  const ref = { walletId: id, field: 'wallet_id' };
  return listTransactions(core, ownerUserId, ref, all, placeOf(query, 'after'), PAGE_SIZE);
}

function transactionRow({ transfer, direction, balanceAfter, counterpartyUserId }: Transaction): Value[] {
  const { currency } = transfer;
  return [
    moment(transfer.createdAt),
    transfer.kind,
    money(direction === 'out' ? -transfer.amount : transfer.amount, currency),
    money(balanceAfter, currency),
    counterpartyUserId === undefined ? '–' : html`user ${link('users', counterpartyUserId)}`,
    transfer.memo,
    link('transfers', transfer.id),
  ];
}

export const USER: ViewEntry = {
  name: 'user',
  path: pathOf('users', '[1-9]\\d{0,18}'),
  requires: 'read',
  async make({ core, admin, operator, id, query }) {
    const userId = BigInt(id);
    const user = userId < 2n ** 63n ? await getUser(core, userId, 'user_id') : undefined;
    if (!user) throw refuseField('USER_NOT_FOUND', 'user_id');
    const [page, freezes] = await Promise.all([
      walletsOf(core, userId, query),
      freezesSection({ admin, operator }, { userId }),
    ]);
    const body = html`${facts([
      ['Id', html`<code>${user.id}</code>`],
      ['Name', user.displayName],
      ['Made', moment(user.createdAt)],
    ])}
${freezes}
<h2>Wallets, oldest first</h2>
${table('Wallets', ['Wallet', 'State', 'Name', 'Balance', 'Held', 'Last changed'], page.items.map(walletRow), 'There are no more.')}
${next(page.next && pathWith(`users/${id}`, { after: placeText(page.next) }))}
<h2>What became of a call</h2>
${answerForm(id, '')}`;
    return { title: `User ${user.id}`, body };
  },
};

const walletsOf = (core: Core, userId: bigint, query: URLSearchParams) =>
  listOwnWallets(core, userId, placeOf(query, 'after'), PAGE_SIZE);

function walletRow(wallet: Account): Value[] {
  const { id, displayName, isDefault, balance, heldAmount, currency, updatedAt } = wallet;
  return [
    link('wallets', id),
    stateBadge(wallet),
    `${displayName}${isDefault ? ' (default)' : ''}`,
    money(balance, currency),
    money(heldAmount, currency),
    moment(updatedAt),
  ];
}

/** Asks for what is stored under an idempotency key, which belongs to one user. */
export function answerForm(userId: string, key: string) {
  return html`<form action="/operator/answers" method="get">
<div class="field"><label for="user">User</label><input id="user" name="user" inputmode="numeric" maxlength="19" required value="${userId}"></div>
<div class="field"><label for="key">Idempotency key</label><input id="key" name="key" maxlength="128" autocomplete="off" required value="${key}"></div>
<button>Find its answer</button>
</form>`;
}

export const PAYOUT: ViewEntry = {
  name: 'payout',
  path: pathOf('payouts', UUID),
  requires: 'read',
  async make({ core, id, query }) {
    const found = await core.payouts.find(id);
    if (!found) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
    const afterLine = Number(/^\d{1,6}$/.exec(query.get('after') ?? '')?.[0] ?? 0);
    const { payout, page } = await listPayoutFailures(
      core,
      found.payout.ownerUserId,
      id,
      afterLine,
      PAGE_SIZE,
    );
    const amount = (value: bigint) => money(value, payout.currency);
    const body = html`${facts([
      ['Id', html`<code>${payout.id}</code>`],
      ['State', badge(payout.state, 'plain')],
      ['Owner', link('users', payout.ownerUserId)],
      ['From wallet', link('wallets', payout.sourceAccountId)],
      ['Mode', payout.mode],
      ['Memo', payout.memo],
      ...annotationFacts(payout.annotation),
      ['Lines', `${payout.lineCount}, ${payout.badCount} of them invalid`],
      ['Paid', `${payout.paidCount} lines, ${amount(payout.paidAmount)} of ${amount(payout.totalAmount)}`],
      ['Failed', `${payout.failedCount} lines`],
      ['Next line', found.nextLine],
      ['Set aside', amount(payout.fundedAmount)],
      ['Made', moment(payout.createdAt)],
      ['Started', moment(payout.startedAt)],
      ['Ended', moment(payout.endedAt)],
    ])}
<h2>Lines that are not paid</h2>
${table('Lines', ['Line', 'To', 'Amount', 'Key', 'Memo', 'Why'], page.items.map(lineRow), 'There are none.')}
${next(page.next === undefined ? undefined : pathWith(`payouts/${id}`, { after: String(page.next) }))}`;
    return { title: 'Payout', body };
  },
};

function lineRow({ line, to, amount, currency, key, memo, reason }: PayoutLine): Value[] {
  return [
    line,
    'userId' in to ? html`user ${link('users', to.userId)}` : html`wallet ${link('wallets', to.walletId)}`,
    // As the caller wrote it, also where that is no currency or no amount.
    `${amount} ${currency}, in the smallest unit`,
    key,
    memo,
    reason && html`${reason}: ${REASONS[reason].en}`,
  ];
}
