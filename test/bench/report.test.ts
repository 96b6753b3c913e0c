// The reports of the bench: ratios with the right baseline, medians of several runs, well-formed pictures.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Result } from '../../bench/cases/case.ts';
import { CASES, casesFor } from '../../bench/cases/list.ts';
import { medianRatios, medianResults, ratiosOf } from '../../bench/report/ratios.ts';
import { latencySvg, throughputSvg } from '../../bench/report/svg.ts';

const result = (name: string, callsPerSecond: number, more: Partial<Result> = {}): Result => ({
  name,
  callsPerSecond,
  p50Ms: 1,
  p99Ms: 5,
  p999Ms: 9,
  cpuSecondsPer1000Calls: {},
  errors: 0,
  problems: [],
  ...more,
});
const ratioOf = (ratios: ReturnType<typeof ratiosOf>, part: string) =>
  ratios.find(({ name }) => name.includes(part));

test('a ratio is taken of the median echo, and left out where a side of it is missing', () => {
  const ratios = ratiosOf([
    result('bare gRPC echo', 900),
    result('bare gRPC echo', 5000),
    result('bare gRPC echo', 1000),
    result('CreateTransfer, 1,000 wallets', 600),
  ]);
  assert.deepEqual(ratios, [
    { name: 'CreateTransfer, 1,000 wallets / bare echo', value: 0.6, atLeast: 0.5, reached: true },
  ]);
});

test('what a call costs is held against what an echo costs', () => {
  const ratios = ratiosOf([
    result('bare gRPC echo', 1000, { cpuSecondsPer1000Calls: { client: 0.08, echo: 0.04 } }),
    result('REST through Envoy: GetBalance, cached', 500, {
      cpuSecondsPer1000Calls: { client: 0.1, server: 0.12, envoy: 0.08, redis: 0.02 },
    }),
  ]);
  const ratio = ratioOf(ratios, 'GetBalance over REST (server, envoy)');
  assert.ok(Math.abs((ratio?.value ?? 0) - 0.2) < 1e-9);
  assert.equal(ratio?.reached, true);
});

test('batches count by their single transfers', () => {
  const name = 'BatchCreateTransfers × 100, 1,000 wallets';
  const ratios = ratiosOf([
    result(name, 50, { transfersPerSecond: 5000 }),
    result('Postgres alone, uniform', 2600),
  ]);
  const ratio = ratioOf(ratios, 'BatchCreateTransfers');
  assert.equal(ratio?.reached, false);
  assert.equal(ratio?.value, 5000 / 2600);
});

test('over several runs the median of each ratio counts, and no error is lost', () => {
  const run = (speed: number) =>
    ratiosOf([result('bare gRPC echo', 100), result('GetBalance, cached', speed)]);
  assert.equal(medianRatios([run(20), run(95), run(75)])[0]?.value, 0.75);
  const [merged] = medianResults([
    result('a case', 1, { errors: 2, problems: ['two'] }),
    result('a case', 3),
    result('a case', 2),
  ]);
  assert.equal(merged?.callsPerSecond, 2);
  assert.equal(merged?.errors, 2);
  assert.deepEqual(merged?.problems, ['two']);
});

test('long cases run only by their names', () => {
  assert.deepEqual(
    casesFor([]),
    CASES.filter(({ isLong }) => !isLong),
  );
  assert.ok(casesFor([]).length < CASES.length);
  assert.deepEqual(
    casesFor(['GROWTH TO 1 M']).map(({ name }) => name),
    ['Growth to 1 million'],
  );
  // A whole name is that of one case, though others contain it.
  const uniform = 'CreateTransfer, 1,000 wallets';
  assert.deepEqual(new Set(casesFor([uniform]).map(({ name }) => name)), new Set([uniform]));
  assert.ok(new Set(casesFor(['CreateTransfer, 1,000']).map(({ name }) => name)).size > 1);
});

test('pictures balance their tags and have a row for each case', () => {
  const openLoop = { callsPerSecond: 5, p50Ms: 0.4, p99Ms: 3, p999Ms: 20 };
  const results = [result('one & two', 1000, { openLoop }), result('bare gRPC echo', 2000)];
  for (const [svg, rows] of [
    [throughputSvg(results), 2],
    [latencySvg(results), 1],
  ] as const) {
    assert.equal(svg.match(/<text /g)?.length, svg.match(/<\/text>/g)?.length);
    assert.equal(svg.match(/text-anchor="end"/g)?.length, rows);
    assert.match(svg, /one &amp; two/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  }
});

test('the page has a place for every table and shows both pictures', () => {
  const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
  for (const name of ['cases', 'costs', 'ratios', 'long', 'steps'])
    assert.ok(page.indexOf(`<!-- ${name} -->`) < page.indexOf(`<!-- /${name} -->`), name);
  for (const picture of ['throughput.svg', 'latency.svg']) assert.ok(page.includes(picture));
});
