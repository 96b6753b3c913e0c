// Prints a run into docs/performance.md: tables between its markers, and the pictures beside it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Result, Step } from '../cases/case.ts';
import type { Ratio } from './ratios.ts';
import { latencySvg, throughputSvg } from './svg.ts';

const DOCS = resolve(import.meta.dirname, '../../docs');
/** Long cases and their ratios have tables of their own, which a default run does not overwrite. */
const IS_LONG =
  /^(Growth|Deep pages|Filtered pages|10,000|Memory|Archive|WAL archiving|Tracing|Watched|Statement|Seal and log)/;

const whole = (value: number) => Math.round(value).toLocaleString('en');
const ms = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));

/** Prints what was measured, with the command and the load of the machine; the rest of the page stays. */
export function drawPage(
  results: readonly Result[],
  ratios: readonly Ratio[],
  command: string,
  loadText: string,
): void {
  const file = join(DOCS, 'performance.md');
  const steps = results.find((result) => result.steps)?.steps;
  const measured = results.filter((result) => !result.steps);
  const short = measured.filter(({ name }) => !IS_LONG.test(name));
  const long = measured.filter(({ name }) => IS_LONG.test(name));
  let page = readFileSync(file, 'utf8');
  const how = `Printed by \`${command}\` on ${machine()}; ${loadText}.`;
  if (short.length > 0) {
    page = between(page, 'cases', `${how}\n\n${casesTable(short)}`);
    page = between(page, 'costs', costsTable(short));
    mkdirSync(join(DOCS, 'performance'), { recursive: true });
    writeFileSync(join(DOCS, 'performance', 'throughput.svg'), throughputSvg(short));
    writeFileSync(join(DOCS, 'performance', 'latency.svg'), latencySvg(short));
  }
  const [ofShort = [], ofLong = []] = [false, true].map((isLong) =>
    ratios.filter(({ name }) => IS_LONG.test(name) === isLong),
  );
  if (ofShort.length > 0) page = between(page, 'ratios', ratiosTable(ofShort));
  if (long.length > 0) {
    const tables = [longTable(long), ...(ofLong.length > 0 ? [ratiosTable(ofLong)] : [])];
    page = between(page, 'long', [how, ...tables].join('\n\n'));
  }
  if (steps) page = between(page, 'steps', `${how}\n\n${stepsTable(steps)}`);
  writeFileSync(file, page);
}

function machine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memory} GiB, ${process.platform}, Node ${process.versions.node}`;
}

function casesTable(results: readonly Result[]): string {
  return table(
    ['case', 'calls/s', 'transfers/s', 'p50, p99, p999 (ms)', 'at half of it: p50, p99, p999 (ms)', 'errors'],
    results.map(({ openLoop, ...result }) => [
      result.name,
      whole(result.callsPerSecond),
      result.transfersPerSecond === undefined ? '' : whole(result.transfersPerSecond),
      result.p50Ms > 0 ? latencies(result) : '',
      openLoop ? latencies(openLoop) : '',
      whole(result.errors),
    ]),
  );
}

function costsTable(results: readonly Result[]): string {
  const programs = [...new Set(results.flatMap((result) => Object.keys(result.cpuSecondsPer1000Calls)))];
  return table(
    [
      'case',
      ...programs.map((name) => `${name}, CPU s`),
      'commits',
      'WAL bytes',
      'disk bytes',
      'server, MiB',
    ],
    results.map((result) => [
      result.name,
      ...programs.map((name) => result.cpuSecondsPer1000Calls[name]?.toFixed(3) ?? ''),
      result.commitsPerTransfer?.toFixed(3) ?? '',
      result.walBytesPerTransfer === undefined ? '' : whole(result.walBytesPerTransfer),
      result.diskBytesPerTransfer === undefined ? '' : whole(result.diskBytesPerTransfer),
      result.serverPeakMiB === undefined ? '' : whole(result.serverPeakMiB),
    ]),
  );
}

function ratiosTable(ratios: readonly Ratio[]): string {
  return table(
    ['ratio', 'measured', 'at least', ''],
    ratios.map(({ name, value, atLeast, reached }) => [
      name,
      value.toFixed(2),
      atLeast.toFixed(2),
      reached ? 'reached' : '**not reached**',
    ]),
  );
}

function longTable(results: readonly Result[]): string {
  return table(
    [
      'case',
      'calls/s',
      'p50, p99, p999 (ms)',
      'CPU s of 1,000 calls: server, postgres',
      'server, MiB',
      'figures',
    ],
    results.map((result) => [
      result.name,
      whole(result.callsPerSecond),
      result.p50Ms > 0 ? latencies(result) : '',
      ['server', 'postgres']
        .flatMap((name) => result.cpuSecondsPer1000Calls[name]?.toFixed(3) ?? [])
        .join(', '),
      result.serverPeakMiB === undefined ? '' : whole(result.serverPeakMiB),
      Object.entries(result.figures ?? {})
        .map(([name, value]) => `${name}: ${value >= 100 ? whole(value) : value.toFixed(2)}`)
        .join('; '),
    ]),
  );
}

function stepsTable(steps: readonly Step[]): string {
  return table(
    ['step of a lone CreateTransfer', 'begins at, µs', 'takes, µs'],
    steps.map(({ name, atUs, us }) => [name, whole(atUs), whole(us)]),
  );
}

function latencies(of: { readonly p50Ms: number; readonly p99Ms: number; readonly p999Ms: number }): string {
  return `${ms(of.p50Ms)}, ${ms(of.p99Ms)}, ${ms(of.p999Ms)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** Replaces the text between `<!-- NAME -->` and `<!-- /NAME -->`. */
function between(page: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${start} … ${end}`);
  return `${page.slice(0, from + start.length)}\n${content}\n${page.slice(to)}`;
}
