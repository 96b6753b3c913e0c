// API keys, without their secrets.
import { type ApiKey, type KeyState, keyStateOf } from '../../domain/api-key.ts';
import { getApiKey, listActs, listApiKeys } from '../../usecases/index.ts';
import { badge, facts, link, moment, next, pathWith, table } from '../format.ts';
import { html } from '../html.ts';
import type { ViewEntry } from '../view.ts';
import { actRows, EVERY_ACT, HEAD_OF_ACTS } from './audit.ts';

const PAGE_SIZE = 50;
const ACTS = 20;
const LIVE: ReadonlySet<KeyState> = new Set(['active', 'retiring']);

export const KEYS: ViewEntry = {
  name: 'keys',
  path: /^\/keys$/,
  requires: 'admin',
  async make({ admin, query }) {
    const keys = await listApiKeys(admin.keyAdmin);
    const now = admin.keyAdmin.now();
    const start = Number(/^\d{1,6}$/.exec(query.get('from') ?? '')?.[0] ?? 0);
    const shown = keys.slice(start, start + PAGE_SIZE);
    const rows = shown.map((key) => [
      link('keys', key.id),
      key.displayName,
      stateBadge(key, now),
      key.scopes.join(', '),
      key.userId ?? 'any',
      moment(key.lastUsedAt, 'never'),
      moment(key.expiresAt, 'never'),
    ]);
    const end = start + shown.length;
    const head = ['Key', 'Name', 'State', 'Scopes', 'User', 'Last used', 'Expires'];
    return {
      title: 'API keys',
      body: html`<p>${keys.length} keys, newest first.</p>${table('Keys', head, rows, 'There are no keys.')}
${next(end < keys.length ? pathWith('keys', { from: String(end) }) : undefined)}`,
    };
  },
};

export const KEY: ViewEntry = {
  name: 'key',
  path: /^\/keys\/([\w-]{1,64})$/,
  requires: 'admin',
  async make({ admin, id }) {
    const key = await getApiKey(admin.keyAdmin, id);
    const now = admin.keyAdmin.now();
    const [by, on] = await Promise.all([
      listActs(admin, { ...EVERY_ACT, keyId: id }, 0n, ACTS),
      listActs(admin, { ...EVERY_ACT, target: id }, 0n, ACTS),
    ]);
    const body = html`${facts([
      ['Id', html`<code>${key.id}</code>`],
      ['Name', key.displayName],
      ['State', stateBadge(key, now)],
      ['Kind', key.kind],
      ['Scopes', key.scopes.join(', ')],
      ['User', key.userId === undefined ? 'any' : link('users', key.userId)],
      ['Networks', key.allowedNetworks.join(', ') || 'any'],
      ['Rate', key.ratePerSecond === undefined ? 'the default' : `${key.ratePerSecond} a second`],
      ['Made', moment(key.createdAt)],
      ['Active from', moment(key.activeFrom)],
      ['Revoked', moment(key.revokedAt, 'no')],
      ['Expires', moment(key.expiresAt, 'never')],
      ['Used', html`${key.useCount} times, last ${moment(key.lastUsedAt, 'never')}`],
      ['Replaces', key.replacesId === undefined ? 'none' : link('keys', key.replacesId)],
    ])}
${LIVE.has(keyStateOf(key, now)) || keyStateOf(key, now) === 'pending' ? html`<p><a href="${pathWith('acts/revoke-key', { target: id })}">Revoke this key …</a></p>` : ''}
<h2>What was done to it</h2>
${table('Acts on it', HEAD_OF_ACTS, actRows(on.items), 'Nothing is on the trail.')}
<h2>What it did as an operator, and was refused</h2>
${table('Acts by it', HEAD_OF_ACTS, actRows(by.items), 'Nothing is on the trail.')}
<p><a href="${pathWith('audit', { key: id })}">All lines by it</a> · <a href="${pathWith('audit', { target: id })}">All lines on it</a></p>`;
    return { title: `API key ${key.displayName}`, body };
  },
};

function stateBadge(key: ApiKey, now: number) {
  const state = keyStateOf(key, now);
  return badge(state, LIVE.has(state) ? 'good' : 'bad');
}
