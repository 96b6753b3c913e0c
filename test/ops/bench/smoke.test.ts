// The bench runs, and its JSON has the documented shape. Figures are not asserted, because they depend on the machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../../bench/run-program.ts';
import { until } from '../../until.ts';

test('a short run prints cases and ratios as JSON, and nothing else', async () => {
  const names = [
    'bare gRPC echo',
    'CreateTransfer, 1,000 wallets',
    'Postgres alone, uniform',
    'ClaimSprinkle rush',
  ];
  const cases = names.flatMap((name) => ['--case', name]);
  const args = ['--json', '--seconds', '0.3', '--inflight', '16', ...cases];
  // Where the machine is busy, no call may end in so short a time; then all is measured again.
  const measure = async () => {
    const { code, stdout, stderr } = await runProgram('bench/main.ts', args);
    assert.equal(code, 0, stderr);
    const printed = JSON.parse(stdout);
    const isMeasured = ({ callsPerSecond }: { callsPerSecond: number }) => callsPerSecond > 0;
    return printed.cases.every(isMeasured) && printed;
  };
  const report = await until('every case has answers', measure, 150_000);
  assert.deepEqual(Object.keys(report), ['cases', 'ratios']);
  assert.deepEqual(
    report.cases.map(({ name }: { name: string }) => name),
    names,
  );
  for (const found of report.cases) {
    for (const figure of ['callsPerSecond', 'p50Ms', 'p99Ms', 'p999Ms'])
      assert.ok(found[figure] > 0, `${found.name}: ${figure}`);
    assert.equal(found.errors, 0, found.problems.join());
    assert.equal(typeof found.cpuSecondsPer1000Calls, 'object');
  }
  const transfers = report.cases.find(({ name }: { name: string }) => name.startsWith('CreateTransfer'));
  assert.ok(transfers.commitsPerTransfer > 0 && transfers.commitsPerTransfer <= 1.5);
  assert.ok(transfers.walBytesPerTransfer > 100);
  assert.ok(transfers.openLoop.p99Ms > 0);
  assert.ok(report.ratios.length >= 3);
  for (const { name, value, atLeast, reached } of report.ratios) {
    assert.equal(typeof name, 'string');
    assert.ok(value > 0 && atLeast > 0);
    assert.equal(reached, value >= atLeast);
  }
});
