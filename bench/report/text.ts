// The results as text: a few lines for each case, and the ratios.
import type { Result } from '../cases/case.ts';
import type { Ratio } from './ratios.ts';

const ms = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const whole = (value: number) => Math.round(value).toLocaleString('en');

/** A result in a few lines. */
export function resultText(result: Result): string {
  const { openLoop, transfersPerSecond } = result;
  const lines = [
    [
      result.name.padEnd(50),
      `${whole(result.callsPerSecond)}/s`.padStart(10),
      result.p50Ms > 0 ? latencyText(result) : '',
      transfersPerSecond === undefined ? '' : `${whole(transfersPerSecond)} transfers/s`,
    ].join('  '),
  ];
  if (openLoop)
    lines.push(`  at ${whole(openLoop.callsPerSecond)}/s, from when due:`.padEnd(62) + latencyText(openLoop));
  const costs = Object.entries(result.cpuSecondsPer1000Calls).map(
    ([name, seconds]) => `${name} ${seconds.toFixed(3)}`,
  );
  const facts = [`CPU s/1,000 calls: ${costs.join(', ')}`];
  if (result.commitsPerTransfer !== undefined)
    facts.push(`commits/transfer ${result.commitsPerTransfer.toFixed(3)}`);
  if (result.walBytesPerTransfer !== undefined)
    facts.push(`WAL ${whole(result.walBytesPerTransfer)} B/transfer`);
  if (result.diskBytesPerTransfer !== undefined)
    facts.push(`disk ${whole(result.diskBytesPerTransfer)} B/transfer`);
  if (result.serverPeakMiB !== undefined) facts.push(`server at most ${whole(result.serverPeakMiB)} MiB`);
  for (const [name, value] of Object.entries(result.figures ?? {}))
    facts.push(`${name}: ${value >= 100 ? whole(value) : value.toFixed(3)}`);
  lines.push(`  ${facts.join('; ')}`);
  for (const problem of result.problems) lines.push(`  ERROR ${problem}`);
  return lines.join('\n');
}

function latencyText({ p50Ms, p99Ms, p999Ms }: Result | NonNullable<Result['openLoop']>): string {
  return `  p50 ${ms(p50Ms)} ms  p99 ${ms(p99Ms)} ms  p999 ${ms(p999Ms)} ms`;
}

/** A ratio in one line. */
export function ratioText({ name, value, atLeast, reached }: Ratio): string {
  return `${reached ? 'reached    ' : 'NOT reached'}  ${value.toFixed(2)} of at least ${atLeast.toFixed(2)}  ${name}`;
}
