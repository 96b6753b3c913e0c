// What the page of panels makes of a dashboard and of Prometheus' answers, without a document: tests use it, too.
// @ts-check

/**
 * @typedef {{ expression: string, legend: string }} Query
 * @typedef {{ above: number } | { below: number }} Bad
 * @typedef {{
 *   title: string, kind: 'chart' | 'stat', tells: string, good: string, requires: string | undefined, unit: string,
 *   queries: Query[], bad: Bad | undefined, runbook: string | undefined,
 * }} Panel
 * @typedef {{ title: string, panels: Panel[] }} Row
 * @typedef {{ title: string, purpose: string, instancesOf: string, rows: Row[] }} Dashboard
 * @typedef {{ metric: Record<string, string>, values: [number, string][] }} Series
 * @typedef {{ name: string, values: (number | null)[] }} Line
 */

/**
 * The rows of panels of a dashboard as `npm run dashboards` prints it.
 * @param {any} json
 * @returns {Dashboard}
 */
export function readDashboard(json) {
  /** @type {Row[]} */
  const rows = [];
  for (const panel of json.panels) {
    if (panel.type === 'row') rows.push({ title: panel.title, panels: [] });
    else rows.at(-1)?.panels.push(readPanel(panel));
  }
  const variables = json.templating.list;
  const instances = variables.find((/** @type {any} */ { name }) => name === 'instance');
  const [, instancesOf = ''] = /^label_values\((\w+),/.exec(instances.query) ?? [];
  return { title: json.title, purpose: json.description, instancesOf, rows };
}

/**
 * @param {any} panel
 * @returns {Panel}
 */
function readPanel(panel) {
  const [tells = '', good = '', requires] = panel.description.split(/\n\n\*\*(?:Good|Requires):\*\* /);
  const { unit, thresholds } = panel.fieldConfig.defaults;
  const runbook = panel.links?.[0]?.url.replace('$runbooks/', '');
  return {
    title: panel.title,
    kind: panel.type === 'stat' ? 'stat' : 'chart',
    tells,
    good,
    requires,
    unit,
    queries: panel.targets.map((/** @type {any} */ { expr, legendFormat }) => ({
      expression: expr,
      legend: legendFormat,
    })),
    bad: readThresholds(thresholds.steps),
    runbook,
  };
}

/**
 * @param {{ value: number | null, color: string }[]} steps
 * @returns {Bad | undefined}
 */
function readThresholds([lowest, next]) {
  if (next?.value === undefined || next.value === null) return undefined;
  return lowest?.color === 'red' ? { below: next.value } : { above: next.value };
}

/**
 * Whether a value is beyond the limit of its panel; a value at it is bad where it must stay below, as in Grafana.
 * @param {Bad | undefined} bad
 * @param {number} value
 */
export function isBad(bad, value) {
  if (bad === undefined) return false;
  return 'above' in bad ? value >= bad.above : value < bad.below;
}

/**
 * An expression with Grafana's variables replaced. `instance` is a regular expression.
 * @param {string} expression
 * @param {{ instance: string, rateSeconds: number }} variables
 */
export function resolveExpression(expression, { instance, rateSeconds }) {
  return expression
    .replaceAll('$__rate_interval', `${rateSeconds}s`)
    .replaceAll('$instance', instance.replaceAll('\\', '\\\\'));
}

/** About how many points a line has. */
const POINTS = 180;

/**
 * The moments of a chart, in seconds since 1970: they lie on multiples of the step, so that a line does not change its
 * shape when the page asks again. `rateSeconds` is what Grafana calls $__rate_interval.
 * @param {number} now
 * @param {number} rangeSeconds
 * @param {number} scrapeSeconds
 */
export function timesOf(now, rangeSeconds, scrapeSeconds) {
  const step = Math.max(scrapeSeconds, Math.ceil(rangeSeconds / POINTS));
  const end = Math.floor(now / step) * step;
  const start = end - Math.floor(rangeSeconds / step) * step;
  const times = Array.from({ length: (end - start) / step + 1 }, (_, index) => start + index * step);
  return { start, end, step, times, rateSeconds: Math.max(4 * scrapeSeconds, step + scrapeSeconds) };
}

/**
 * The name of a line: the legend with `{{label}}` replaced by the label's value; `none` where it has no label.
 * @param {string} legend
 * @param {Record<string, string>} labels
 */
export function nameOf(legend, labels) {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? '').trim() || 'none';
}

/**
 * Lines of one query with a value, or null, for each moment.
 * @param {Query} query
 * @param {readonly Series[]} series
 * @param {readonly number[]} times
 * @returns {Line[]}
 */
export function linesOf(query, series, times) {
  return series.map(({ metric, values }) => {
    const byTime = new Map(values.map(([time, text]) => [time, Number(text)]));
    return {
      name: nameOf(query.legend, metric),
      values: times.map((time) => finite(byTime.get(time))),
    };
  });
}

/** @param {number | undefined} value */
function finite(value) {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/**
 * The latest value of a line that there is.
 * @param {Line} line
 */
export function latestOf({ values }) {
  return values.findLast((value) => value !== null) ?? undefined;
}

/**
 * The highest value of a line.
 * @param {Line} line
 */
export function mostOf({ values }) {
  const most = Math.max(...values.filter((value) => value !== null));
  return Number.isFinite(most) ? most : undefined;
}

/** How many lines a chart can show and still be read. */
const MOST_LINES = 10;

/**
 * All lines, or if they are too many, those with the highest values, the highest first: `topk` chooses at each moment, so its lines are more over time.
 * @param {readonly Line[]} lines
 */
export function highestLines(lines) {
  const high = (/** @type {Line} */ line) => mostOf(line) ?? Number.NEGATIVE_INFINITY;
  const chosen = lines.toSorted((one, other) => high(other) - high(one)).slice(0, MOST_LINES);
  return lines.length > MOST_LINES ? chosen : [...lines];
}

/** Sizes and names of units, the largest first; values are divided by the size. */
const SCALES = {
  time: scale([86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's'], [1e-3, 'ms'], [1e-6, 'µs']),
  bytes: scale([2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']),
  count: scale([1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, '']),
};

/**
 * @param {...[number, string]} steps
 * @returns {[number, string][]}
 */
function scale(...steps) {
  return steps;
}

/**
 * A value in its unit, with three digits: `12.3 ms`, `4.5 MiB/s`.
 * @param {number} value
 * @param {string} unit one of Grafana's names
 */
export function formatValue(value, unit) {
  switch (unit) {
    case 's':
    case 'dtdurations':
      return scaled(value, SCALES.time, ' ');
    case 'bytes':
      return scaled(value, SCALES.bytes, ' ');
    case 'binBps':
      return `${scaled(value, SCALES.bytes, ' ')}/s`;
    case 'percentunit':
      return `${digits(100 * value)} %`;
    case 'cps':
    case 'reqps':
      return `${scaled(value, SCALES.count)}/s`;
    default:
      return scaled(value, SCALES.count);
  }
}

/**
 * @param {number} value
 * @param {readonly [number, string][]} steps
 */
function scaled(value, steps, space = '') {
  const [size, name] = steps.find(([least]) => Math.abs(value) >= least) ??
    (value === 0 ? steps.find(([least]) => least === 1) : steps.at(-1)) ?? [1, ''];
  return `${digits(value / size)}${name && space}${name}`;
}

/** @param {number} value */
function digits(value) {
  return String(Number(value.toPrecision(3)));
}
