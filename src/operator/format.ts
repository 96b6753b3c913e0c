// How values are shown: moments, money, ids with their links, and lists as tables.
import { type Currency, toDecimal } from '../domain/currency.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import { type Html, html, type Value } from './html.ts';

/** A moment in UTC, to the millisecond; what `otherwise` says where there is none. */
export function moment(at: Micros | undefined, otherwise = '–'): Html {
  const date = at === undefined ? undefined : new Date(at / MICROS_PER_MS);
  if (date === undefined || Number.isNaN(date.getTime())) return html`${otherwise}`;
  const iso = date.toISOString();
  return html`<time datetime="${iso}">${iso.replace('T', ' ').replace('Z', ' UTC')}</time>`;
}

/** An amount in the smallest unit of its currency. */
export function money(amount: bigint, currency: Currency): string {
  const [whole = '', rest] = toDecimal(amount < 0n ? -amount : amount, currency).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${amount < 0n ? '−' : ''}${grouped}${rest === undefined ? '' : `.${rest}`} ${currency}`;
}

/** A duration, in the unit that fits. */
export function seconds(value: number): string {
  if (value < 120) return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  if (value < 7_200) return `${Math.round(value / 60)} min`;
  return value < 172_800 ? `${Math.round(value / 3_600)} h` : `${Math.round(value / 86_400)} days`;
}

/** The number of bytes, in the unit that fits. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0, units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

type Kind = 'transfers' | 'wallets' | 'holds' | 'users' | 'payouts' | 'keys' | 'webhooks';

/** An id with a link to its page. */
export function link(kind: Kind, id: string | bigint): Html {
  return html`<a href="/operator/${kind}/${encodeURIComponent(String(id))}"><code>${String(id)}</code></a>`;
}

/** A path with a query. */
export function pathWith(path: string, query: Readonly<Record<string, string>>): string {
  return `/operator/${path}?${new URLSearchParams(query)}`;
}

/** Names and values. */
export function facts(pairs: readonly (readonly [string, Value])[]): Html {
  return html`<dl>${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A list as a table that can be scrolled on narrow screens, by keyboard too; a sentence where it is empty. */
export function table(
  name: string,
  head: readonly string[],
  rows: readonly (readonly Value[])[],
  none: string,
): Html {
  if (rows.length === 0) return html`<p>${none}</p>`;
  return html`<div class="wide" role="region" aria-label="${name}" tabindex="0"><table><thead><tr>${head.map(
    (title) => html`<th scope="col">${title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}

/** The link to the next page of a list; nothing on the last one. */
export function next(path: string | undefined): Html {
  return path === undefined ? html`` : html`<p><a href="${path}" rel="next">Next page</a></p>`;
}

/** A word that stands out: good, bad, or neither. */
export function badge(text: string, kind: 'good' | 'bad' | 'plain'): Html {
  return html`<span class="badge ${kind}">${text}</span>`;
}

/** JSON as it is stored, over several lines; text that is none stays as it is. */
export function json(text: string): Html {
  if (text === '') return html`–`;
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), undefined, 1);
  } catch {
    // Shown as it is.
  }
  return html`<code class="json">${shown}</code>`;
}
