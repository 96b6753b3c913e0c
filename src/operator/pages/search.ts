// The search, and what is stored under an idempotency key.
import { isPlainText } from '../../domain/bounds.ts';
import { type Found, findForOperator } from '../../usecases/index.ts';
import { facts, json, link, pathWith, table } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { View, ViewContext, ViewEntry } from '../view.ts';
import { actRows, HEAD_OF_ACTS } from './audit.ts';
import { answerForm } from './money.ts';

const MAX_TEXT = 200;
/** How many transfers of a stored answer have links. */
const MAX_LINKS = 50;

export const SEARCH: ViewEntry = {
  name: 'search',
  path: /^\/search$/,
  requires: 'any',
  async make(context) {
    const text = (context.query.get('q') ?? '').trim();
    if (text === '') return { redirect: '/operator' };
    if (text.length > MAX_TEXT || !isPlainText(text)) {
      const body = html`<p>What is searched has at most ${MAX_TEXT} characters, none of them a control or invisible character.</p>`;
      return { title: 'Nothing was searched', body, status: 400 };
    }
    const found = await findForOperator(searchCore(context), text);
    return resultOf(context, text, found);
  },
};

function searchCore({ core, admin, operator }: ViewContext) {
  return {
    money: operator.mayRead ? core : undefined,
    admin: operator.isAdmin ? admin : undefined,
  };
}

function resultOf(context: ViewContext, text: string, found: Found): View {
  const { transfer, wallet, hold, payout, user, key, answer, referenced, acts } = found;
  const hits: { readonly what: string; readonly path: string }[] = [];
  const add = (what: string, path: string | undefined) => path && hits.push({ what, path });
  add('Transfer', transfer && `/operator/transfers/${transfer.transfer.id}`);
  add('Wallet', wallet && `/operator/wallets/${wallet.id}`);
  add(hold?.kind === 'gift' ? 'Gift' : 'Hold', hold && `/operator/holds/${hold.id}`);
  add('Payout', payout && `/operator/payouts/${payout.payout.id}`);
  add('User', user && `/operator/users/${user.id}`);
  add('API key', key && `/operator/keys/${encodeURIComponent(key.id)}`);
  add('Answer to a call', answer && pathWith('answers', { user: String(answer.userId), key: answer.key }));
  for (const { subject, id } of referenced) add(`By reference: ${subject}`, `/operator/${subject}s/${id}`);
  const [only, ...more] = hits;
  if (only && more.length === 0 && acts.length === 0) return { redirect: only.path };
  const nothing = hits.length === 0 && acts.length === 0;
  const body = html`<p>Searched: <code>${text}</code></p>
${hits.length === 0 ? '' : html`<ul>${hits.map(({ what, path }) => html`<li><a href="${path}">${what}</a></li>`)}</ul>`}
${acts.length === 0 ? '' : html`<h2>A request on the audit trail</h2>${table('Acts', HEAD_OF_ACTS, actRows(acts), '')}`}
${hints(context, text)}`;
  return { title: nothing ? 'Nothing was found' : 'Found', body, status: nothing ? 404 : 200 };
}

/** What a text can mean besides, and where that is found. */
function hints({ operator }: ViewContext, text: string): Html {
  const isKey = /^[\x21-\x7e]{1,128}$/.test(text);
  return html`${operator.mayRead ? '' : html`<p>Transfers, wallets, users and payouts were not searched: your key has not the scope <code>read</code>, or is bound to one user.</p>`}
${operator.isAdmin ? '' : html`<p>API keys and the audit trail were not searched: your key has not the scope <code>admin</code>.</p>`}
<h2>A request id of a transfer</h2>
<p>The database does not keep it. The log of transactions of all servers does, with the id of the transfer: search it for <code>http.request.id : "${text}"</code>, then find that id here (docs/logs.md).</p>
${operator.mayRead && isKey ? html`<h2>An idempotency key, or a reference</h2><p>It belongs to one user, whose id is needed: search for the id, a space and the key or reference, or find the answer to a key here.</p>${answerForm('', text)}` : ''}`;
}

export const ANSWER: ViewEntry = {
  name: 'answer',
  path: /^\/answers$/,
  requires: 'read',
  // The user alone: a key may hold a secret of its caller.
  target: (query) => /^[1-9]\d{0,18}$/.exec((query.get('user') ?? '').trim())?.[0] ?? '',
  async make(context) {
    const user = (context.query.get('user') ?? '').trim();
    const key = (context.query.get('key') ?? '').trim();
    const { answer } = await findForOperator(searchCore(context), `${user}/${key}`);
    if (!answer) {
      const body = html`<p>Nothing is stored under this key of this user: no call with it was answered OK. One that is on its way may still be; <code>GetOutcome</code> of wallet.v2 decides that for the user.</p>${answerForm(user, key)}`;
      return { title: 'No answer', body, status: 404 };
    }
    const stored = JSON.stringify(answer.outcome, (_name, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    const transfers = [...transferIds(answer.outcome)].slice(0, MAX_LINKS);
    const body = html`${facts([
      ['User', link('users', answer.userId)],
      ['Idempotency key', html`<code>${answer.key}</code>`],
      ['Call', html`<code>${answer.rpc ?? 'unknown: older than this note'}</code>`],
      ['Transfers', transfers.length === 0 ? 'none' : transfers.map((id) => html`${link('transfers', id)} `)],
      ['As stored', json(stored)],
    ])}`;
    return { title: 'Answer to a call', body };
  },
};

/** The ids of the transfers in an outcome: of objects with an account to debit. */
function* transferIds(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  const { id, debitAccountId } = value as { id?: unknown; debitAccountId?: unknown };
  if (typeof id === 'string' && typeof debitAccountId === 'string') yield id;
  for (const part of Object.values(value)) yield* transferIds(part);
}
