// Expressions that several panels share.
import type { PanelQuery } from './panel.ts';

/** Selects the processes that are chosen at the top of the dashboard; it stands within the braces of a selector. */
export const CHOSEN = 'instance=~"$instance"';

/** How much a counter grows in a second, of each series. `matchers` narrow the chosen processes. */
export function rateOf(counter: string, matchers = ''): string {
  return `rate(${counter}{${CHOSEN}${matchers && `,${matchers}`}}[$__rate_interval])`;
}

/** Lines of percentiles of a histogram, over all chosen processes. */
export function percentilesOf(
  histogram: string,
  percentiles: readonly number[],
  matchers = '',
): readonly PanelQuery[] {
  return percentiles.map((percentile) => [
    `histogram_quantile(${percentile / 100}, sum by (le) (${rateOf(`${histogram}_bucket`, matchers)}))`,
    `p${percentile}`,
  ]);
}

/** One number divided by another, 0 while there is nothing to divide by. */
export function shareOf(part: string, whole: string): string {
  return `${part} / clamp_min(${whole}, 1e-9)`;
}

/** A sum that is 0 while none of its series exist: Envoy is asked only for what it has counted at least once. */
export function countedOrZero(sum: string): string {
  return `${sum} or vector(0)`;
}

/** The alerts that fire, besides the one that always does. */
export const FIRING = 'ALERTS{alertstate="firing",severity!="none"}';
