// The page of panels: one dashboard at a time, chosen in the address (#ledger), asked of Prometheus and drawn again and again.
import { drawChart } from './chart.mjs';
import {
  formatValue,
  highestLines,
  isBad,
  latestOf,
  linesOf,
  readDashboard,
  resolveExpression,
  timesOf,
} from './reading.mjs';

const AGAIN_MS = 15_000;
const byId = (id) => document.getElementById(id);
const [range, instance, asked] = [byId('range'), byId('instance'), byId('asked')];

/** The dashboards by name, with the seconds between two scrapes. */
const { dashboards, scrapeSeconds } = await getJson('settings.json');
/** What is on the page: panels with the elements that they are drawn into, and how their charts are taken away. */
let shown = { name: '', cards: [], remove: [] };
/** Only the answers to the latest question are drawn. */
let question = 0;

addEventListener('hashchange', show);
range.addEventListener('change', draw);
instance.addEventListener('change', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
setInterval(() => {
  if (!document.hidden) void draw();
}, AGAIN_MS);
await show();

/** Shows the dashboard that the address names, or the first one. */
async function show() {
  const [hash, seconds] = location.hash.slice(1).split('/');
  const name = dashboards.some((dashboard) => dashboard.name === hash) ? hash : dashboards[0].name;
  if ([...range.options].some(({ value }) => value === seconds)) range.value = seconds;
  const dashboard = readDashboard(await getJson(`dashboards/${name}.json`));
  document.title = dashboard.title;
  byId('dashboards').replaceChildren(...dashboards.map((entry) => linkOf(entry, name)));
  const cards = [];
  const sections = dashboard.rows.map((row) => sectionOf(row, cards));
  const heading = element('h1', dashboard.title);
  const purpose = element('p', dashboard.purpose);
  purpose.className = 'purpose';
  document.querySelector('main').replaceChildren(heading, purpose, ...sections);
  for (const remove of shown.remove) remove?.();
  shown = { name, cards, remove: [] };
  // Without Prometheus there is nothing to choose from, and each panel says why.
  const offering = offerInstances(dashboard.instancesOf).catch(() => {});
  await Promise.all([offering, draw()]);
}

function linkOf({ name, title }, current) {
  const link = element('a', title);
  link.href = `#${name}`;
  if (name === current) link.setAttribute('aria-current', 'page');
  return link;
}

/** A row of panels; each panel and the element of its drawing are added to `cards`. */
function sectionOf({ title, panels }, cards) {
  const section = document.createElement('section');
  const grid = document.createElement('div');
  grid.className = panels.every(({ kind }) => kind === 'stat') ? 'row stats' : 'row';
  for (const panel of panels) {
    const card = byId('panel').content.cloneNode(true);
    card.querySelector('h3').textContent = panel.title;
    card.querySelector('.tells').textContent = panel.tells;
    card.querySelector('.good span').textContent = panel.good;
    const runbook = card.querySelector('a');
    runbook.hidden = panel.runbook === undefined;
    if (panel.runbook) runbook.href = `runbooks/${panel.runbook}`;
    card
      .querySelector('details')
      .append(...panel.queries.map(({ expression }) => element('code', expression)));
    cards.push({ panel, drawing: card.querySelector('.drawing') });
    grid.append(card);
  }
  section.append(element('h2', title), grid);
  return section;
}

/** Asks for all panels and draws each when its answer is there. */
async function draw() {
  const mine = ++question;
  const { name, cards, remove } = shown;
  const times = timesOf(Date.now() / 1000, Number(range.value), scrapeSeconds);
  const failures = await Promise.all(
    cards.map(async ({ panel, drawing }, index) => {
      try {
        const answers = await Promise.all(panel.queries.map((query) => ask(query, times)));
        if (mine !== question) return 0;
        remove[index]?.();
        remove[index] = fill(drawing, panel, times.times, answers.flat());
        return 0;
      } catch (error) {
        drawing.replaceChildren(notice(error.message));
        return 1;
      }
    }),
  );
  if (mine !== question) return;
  const failed = failures.reduce((sum, failure) => sum + failure, 0);
  asked.textContent = `${failed === 0 ? 'Asked' : `${failed} panels could not be asked`} at ${new Date().toLocaleTimeString()}.`;
  document.body.dataset.drawn = name;
}

/** The lines of one query. */
async function ask(query, { start, end, step, times, rateSeconds }) {
  const expression = resolveExpression(query.expression, { instance: instance.value, rateSeconds });
  const parameters = new URLSearchParams({ query: expression, start, end, step });
  const { data } = await getJson(`api/v1/query_range?${parameters}`);
  return linesOf(query, data.result, times);
}

/** Draws the lines of a panel. Returns how the drawing is taken away. */
function fill(drawing, panel, times, lines) {
  if (lines.length === 0) {
    drawing.replaceChildren(
      notice(`Nothing tells this yet.${panel.requires ? ` It requires ${panel.requires}` : ''}`),
    );
    return undefined;
  }
  if (panel.kind === 'chart') return drawChart(drawing, panel, times, highestLines(lines));
  const [value] = lines.map(latestOf).filter((latest) => latest !== undefined);
  const text = element('div', value === undefined ? '–' : formatValue(value, panel.unit));
  text.className = 'value';
  if (value !== undefined && panel.bad !== undefined) {
    const bad = isBad(panel.bad, value);
    text.classList.add(bad ? 'bad' : 'well');
    // Not by colour alone.
    text.append(' ', element('small', bad ? 'not good' : 'good'));
  }
  drawing.replaceChildren(text);
  return undefined;
}

/** Fills the choice of processes with those that tell a metric. */
async function offerInstances(metric) {
  const chosen = instance.value;
  const { data } = await getJson(
    `api/v1/label/instance/values?${new URLSearchParams({ 'match[]': metric })}`,
  );
  const options = data.map((name) => {
    const option = element('option', name);
    option.value = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return option;
  });
  instance.replaceChildren(instance.options[0], ...options);
  instance.value = chosen;
  if (instance.value === chosen) return;
  instance.value = '.*';
  await draw();
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

function notice(text) {
  const paragraph = element('p', text);
  paragraph.className = 'empty';
  return paragraph;
}

async function getJson(path) {
  const response = await fetch(path);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `${path}: ${response.status}`);
  return answer;
}
