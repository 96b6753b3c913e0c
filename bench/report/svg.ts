// Draws the results as SVG: bars of throughput, and latencies on a logarithmic scale.
import type { Result } from '../cases/case.ts';

const WIDTH = 860;
const LABELS = 330;
const RIGHT = 90;
const ROW = 26;
const TOP = 44;
const INK = '#24292f';
const FAINT = '#d0d7de';
/** ppuri, and the baselines. */
const COLOURS = { ours: '#1f6feb', baseline: '#8c959f' } as const;
const LATENCY_COLOURS = { p50: '#54aeff', p99: '#0969da', p999: '#0a3069' } as const;

/** Calls a second of each case; where a call is many transfers, those. */
export function throughputSvg(results: readonly Result[]): string {
  const speedOf = (result: Result) => result.transfersPerSecond ?? result.callsPerSecond;
  const most = Math.max(...results.map(speedOf), 1);
  const scale = (WIDTH - LABELS - RIGHT) / most;
  const rows = results.map((result, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(1, speedOf(result) * scale);
    const colour = isBaseline(result) ? COLOURS.baseline : COLOURS.ours;
    return [
      label(result.name, y),
      `<rect x="${LABELS}" y="${y + 4}" width="${width.toFixed(1)}" height="${ROW - 9}" fill="${colour}"/>`,
      text(LABELS + width + 6, y + ROW / 2 + 4, Math.round(speedOf(result)).toLocaleString('en')),
    ].join('\n');
  });
  return page('Calls a second, as many as come back (of batches: single transfers)', results.length, rows);
}

/** p50, p99 and p999 in the open loop at half the maximum. */
export function latencySvg(results: readonly Result[]): string {
  const open = results.flatMap(({ name, openLoop }) => (openLoop ? [{ name, openLoop }] : []));
  const all = open.flatMap(({ openLoop }) => [openLoop.p50Ms, openLoop.p999Ms]);
  const from = Math.floor(Math.log10(Math.max(0.1, Math.min(...all, 1))));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...all, 10))));
  const xOf = (ms: number) =>
    LABELS + ((Math.log10(Math.max(ms, 10 ** from)) - from) / (to - from)) * (WIDTH - LABELS - RIGHT);
  const bottom = TOP + open.length * ROW;
  const grid = Array.from({ length: to - from + 1 }, (_, index) => {
    const ms = 10 ** (from + index);
    const x = xOf(ms).toFixed(1);
    return `<line x1="${x}" y1="${TOP}" x2="${x}" y2="${bottom}" stroke="${FAINT}"/>\n${text(xOf(ms) - 12, bottom + 16, `${ms} ms`)}`;
  });
  const rows = open.map(({ name, openLoop }, index) => {
    const y = TOP + index * ROW + ROW / 2;
    const { p50Ms: p50, p99Ms: p99, p999Ms: p999 } = openLoop;
    const dots = Object.entries({ p50, p99, p999 }).map(
      ([which, ms]) =>
        `<circle cx="${xOf(ms).toFixed(1)}" cy="${y}" r="5" fill="${LATENCY_COLOURS[which as keyof typeof LATENCY_COLOURS]}"/>`,
    );
    const line = `<line x1="${xOf(p50).toFixed(1)}" y1="${y}" x2="${xOf(p999).toFixed(1)}" y2="${y}" stroke="${LATENCY_COLOURS.p50}" stroke-width="2"/>`;
    return [label(name, y - ROW / 2), line, ...dots].join('\n');
  });
  const title = 'Latency at half the maximum, counted from when a call was due: p50, p99, p999';
  return page(title, open.length + 1, [...grid, ...rows]);
}

function isBaseline({ name }: Result): boolean {
  return /^(bare gRPC|gRPC echo|Postgres)/.test(name);
}

function page(title: string, rows: number, content: readonly string[]): string {
  const height = TOP + rows * ROW + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="24" font-size="15" font-weight="bold" fill="${INK}">${escaped(title)}</text>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');
}

function label(name: string, y: number): string {
  return `<text x="${LABELS - 10}" y="${y + ROW / 2 + 4}" text-anchor="end" fill="${INK}">${escaped(name)}</text>`;
}

function text(x: number, y: number, content: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${INK}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
