// The load generator is accurate: its histogram is within 1.1 %, and an open loop shows stalls.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGenerator } from '../../bench/generator/generator.ts';
import { Histogram } from '../../bench/generator/histogram.ts';
import type { LoadModel } from '../../bench/generator/protocol.ts';

test('quantiles are those of the sorted list, within the width of a bucket', () => {
  const histogram = new Histogram();
  const values = Array.from({ length: 10_000 }, (_, index) => 0.05 * 1.001 ** index);
  for (const value of values) histogram.add(value);
  for (const share of [0, 0.5, 0.99, 0.999, 1]) {
    const exact = values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
    assert.ok(
      Math.abs(histogram.at(share) / exact - 1) < 0.011,
      `${share}: ${histogram.at(share)}, not ${exact}`,
    );
  }
});

test('two histograms make one, and an empty one has no latency', () => {
  const [a, b] = [new Histogram(), new Histogram()];
  assert.equal(a.at(0.99), 0);
  a.add(1);
  b.add(100);
  a.merge(b);
  assert.equal(a.total, 2);
  assert.ok(a.at(0.5) < 1.1 && a.at(1) > 98);
});

/** Measures a server that answers at once, except during one stall in the middle. */
async function measureThroughAStall(model: LoadModel): Promise<Histogram> {
  let stalledUntil = 0;
  const server = createServer((_request, response) => {
    setTimeout(() => response.end(), Math.max(0, stalledUntil - Date.now()));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = { method: 'GET', path: '/', headers: {}, body: '' };
  const generator = await startGenerator({
    target: { kind: 'plain-rest', url, calls: [call], key: undefined },
    model,
    connections: 300,
    timeoutMs: 10_000,
    keepAccepted: false,
  });
  await sleep(200);
  generator.record();
  await sleep(300);
  stalledUntil = Date.now() + 600;
  await sleep(900);
  const { latencies } = await generator.stop();
  server.close();
  return latencies;
}

test('a stall of half of the time shows in the median of an open loop; a closed loop hides it', async () => {
  const open = await measureThroughAStall({ kind: 'open', perSecond: 200, maxInFlight: 1000 });
  const closed = await measureThroughAStall({ kind: 'closed', inFlight: 1 });
  assert.ok(open.at(0.75) > 100, `${open.at(0.75)} ms`);
  assert.ok(closed.at(0.75) < 100, `${closed.at(0.75)} ms`);
});
