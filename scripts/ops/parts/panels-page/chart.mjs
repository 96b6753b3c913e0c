// One chart: lines over time by uPlot, the limit of what is good, and a table of the lines with their values.
import { formatValue, isBad, latestOf, mostOf } from './reading.mjs';
import uPlot from './uplot.mjs';

/** Colours that differ in hue and brightness on both grounds (after Okabe and Ito), in the order of the lines. */
const COLOURS = {
  light: [
    '#0072b2',
    '#d55e00',
    '#009e73',
    '#b5589a',
    '#8a6d00',
    '#3a9bd6',
    '#7f3f00',
    '#5a5a5a',
    '#6f4fb0',
    '#00807d',
  ],
  dark: [
    '#56b4e9',
    '#ff9f57',
    '#2fd6a4',
    '#f0a6d6',
    '#f0e442',
    '#9ad1ff',
    '#d9a679',
    '#c8c8c8',
    '#b9a0ff',
    '#63e0dc',
  ],
};
const HEIGHT = 180;
/** Steps of an axis in bytes. */
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);

const isDark = matchMedia('(prefers-color-scheme: dark)');
const colourOf = (index) => {
  const colours = COLOURS[isDark.matches ? 'dark' : 'light'];
  return colours[index % colours.length];
};
const themed = (name) => {
  // A canvas does not know light-dark(), so an element computes the colour.
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};

/** Draws into an element what was drawn there before, with new values. Returns what removes the drawing. */
export function drawChart(element, panel, times, lines) {
  const chart = new uPlot(optionsOf(element.clientWidth, panel, times, lines), [
    times,
    ...lines.map(({ values }) => values),
  ]);
  const onResize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
  element.replaceChildren(chart.root, tableOf(panel, lines));
  onResize.observe(element);
  return () => {
    onResize.disconnect();
    chart.destroy();
  };
}

function optionsOf(width, panel, times, lines) {
  const seconds = times.at(-1) - times[0];
  const axis = {
    stroke: themed('--quiet'),
    grid: { stroke: themed('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, least, most) => rangeOf(least, most) } },
    axes: [
      { ...axis, values: timeFormat(seconds), space: 70, size: 30 },
      {
        ...axis,
        size: 74,
        values: (_, values) => values.map((value) => formatValue(value, panel.unit)),
        ...(/^(?:bytes|binBps)$/.test(panel.unit) && { incrs: POWERS_OF_TWO }),
      },
    ],
    series: [
      {},
      ...lines.map((_, index) => ({
        stroke: colourOf(index),
        width: 1.6,
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: { drawAxes: [(chart) => drawLimit(chart, panel.bad)] },
  };
}

/** A time of day, or of a week, for a chart of so many seconds. */
function timeFormat(seconds) {
  if (seconds <= 600) return '{HH}:{mm}:{ss}';
  return seconds <= 86_400 ? '{HH}:{mm}' : '{WWW} {HH}:{mm}';
}

/** From 0 on, with some room above. */
function rangeOf(least, most) {
  const top = most > 0 ? 1.1 * most : 1;
  return [Math.min(0, least), top];
}

/** A dashed line where good values end, if that is within the chart. */
function drawLimit(chart, bad) {
  if (bad === undefined) return;
  const limit = 'above' in bad ? bad.above : bad.below;
  if (limit > chart.scales.y.max) return;
  const { ctx, bbox } = chart;
  const y = Math.round(chart.valToPos(limit, 'y', true));
  ctx.save();
  ctx.strokeStyle = themed('--bad');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function tableOf(panel, lines) {
  const table = document.createElement('table');
  table.createTHead().append(rowOf('th', 'Line', 'last', 'most'));
  const body = table.createTBody();
  for (const [index, line] of lines.entries()) {
    const latest = latestOf(line);
    const cells = [latest, mostOf(line)].map((value) =>
      value === undefined ? '–' : formatValue(value, panel.unit),
    );
    const row = rowOf('td', line.name, ...cells);
    row.firstChild.prepend(swatch(colourOf(index)));
    row.firstChild.title = line.name;
    row.children[1].classList.toggle('bad', latest !== undefined && isBad(panel.bad, latest));
    body.append(row);
  }
  return table;
}

function rowOf(kind, ...texts) {
  const row = document.createElement('tr');
  for (const text of texts) row.appendChild(document.createElement(kind)).textContent = text;
  return row;
}

function swatch(colour) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const dot = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'circle'));
  svg.setAttribute('viewBox', '0 0 10 10');
  for (const name of ['cx', 'cy', 'r']) dot.setAttribute(name, '5');
  dot.setAttribute('fill', colour);
  return svg;
}
