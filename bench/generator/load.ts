// `npm run load`: the bench's load generator against any REST API, to compare other ledgers with ppuri.
//
//   npm run load -- --url http://127.0.0.1:8080 --calls calls.jsonl --inflight 64 --seconds 10 [--rate 500] [--json]
//
// Each line of the file is a call: {"method": "POST", "path": "/…", "headers": {…}, "body": …}; docs/performance.md
// says more. With PPURI_KEY_ID and PPURI_SECRET in the environment the calls are signed for ppuri.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { signingKeyIn } from '../../scripts/cli/dev-info.ts';
import { readCommandLine, SetupError } from '../../scripts/cli/program.ts';
import { checkSigner, LOAD_VARIABLES, readSettings } from '../../scripts/cli/variables.ts';
import { startGenerator } from './generator.ts';
import type { PlainCall } from './protocol.ts';

const USAGE = `usage: npm run load -- --url http://127.0.0.1:8080 --calls calls.jsonl [options]
  --calls FILE    a call in each line: {"method": "POST", "path": "/…", "headers": {…}, "body": …}
  --inflight N    how many calls are under way at a time (64)
  --seconds N     how long it measures (10), after --warmup N seconds (2)
  --rate N        calls a second, whether answers come or not; without it, as many as come back
  --clients N     how many processes make the calls (1)
  --json          the results as JSON`;

const TIMEOUT_MS = 30_000;
const MAX_IN_FLIGHT = 20_000;

try {
  process.exitCode = await load(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 2;
}
process.disconnect?.();

async function load(args: readonly string[]): Promise<number> {
  const { url, calls, inFlight, seconds, warmUpSeconds, rate, clients, json } = read(args);
  const { signer } = readSettings(LOAD_VARIABLES, checkSigner);
  const generator = await startGenerator(
    {
      target: { kind: 'plain-rest', url, calls, key: signingKeyIn([], signer) },
      model:
        rate === undefined
          ? { kind: 'closed', inFlight }
          : { kind: 'open', perSecond: rate, maxInFlight: MAX_IN_FLIGHT },
      connections: inFlight,
      timeoutMs: TIMEOUT_MS,
      keepAccepted: false,
    },
    clients,
  );
  await sleep(warmUpSeconds * 1000);
  generator.record();
  await sleep(seconds * 1000);
  const { completed, latencies, refusals, dropped, ...measured } = await generator.stop();
  const result = {
    callsPerSecond: completed / measured.seconds,
    p50Ms: latencies.at(0.5),
    p99Ms: latencies.at(0.99),
    p999Ms: latencies.at(0.999),
    errors: [...refusals.values()].reduce((sum, count) => sum + count, 0),
    problems: Object.fromEntries(refusals),
    held: dropped,
  };
  if (json) console.log(JSON.stringify(result));
  else {
    const { callsPerSecond, p50Ms, p99Ms, p999Ms } = result;
    const times = [p50Ms, p99Ms, p999Ms].map((ms) => ms.toFixed(2)).join(', ');
    console.log(`${Math.round(callsPerSecond)} calls/s; p50, p99, p999: ${times} ms`);
    for (const [reason, count] of refusals) console.log(`${count} × ${reason}`);
    if (dropped > 0) console.log(`${dropped} calls were not made: too many were under way`);
  }
  return result.errors + dropped > 0 ? 1 : 0;
}

function read(args: readonly string[]) {
  const { values } = parse(args);
  const above = (name: 'inflight' | 'seconds' | 'clients' | 'warmup', text: string) => {
    const value = Number(text);
    if (!(value > 0)) throw new SetupError(`--${name} must be a number above zero`);
    return value;
  };
  if (!values.url || !URL.canParse(values.url)) throw new SetupError('--url must be the address of an API');
  if (!values.url.startsWith('http://')) throw new SetupError('--url must start with http://');
  if (!values.calls) throw new SetupError('--calls must name a file with a call in each line');
  const rate = values.rate === undefined ? undefined : Number(values.rate);
  if (rate !== undefined && !(rate > 0)) throw new SetupError('--rate must be a number above zero');
  return {
    url: values.url,
    calls: readCalls(values.calls),
    inFlight: Math.ceil(above('inflight', values.inflight)),
    seconds: above('seconds', values.seconds),
    warmUpSeconds: above('warmup', values.warmup),
    clients: Math.ceil(above('clients', values.clients)),
    rate,
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  return readCommandLine(
    USAGE,
    {
      url: { type: 'string' },
      calls: { type: 'string' },
      inflight: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '2' },
      rate: { type: 'string' },
      clients: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
    args,
  );
}

function readCalls(file: string): PlainCall[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new SetupError(`${file} cannot be read`);
  }
  const calls = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      const { method = 'GET', path = '/', headers = {}, body = '' } = JSON.parse(line);
      const isText = typeof body === 'string';
      const json = isText ? {} : { 'content-type': 'application/json' };
      return [
        { method, path, headers: { ...json, ...headers }, body: isText ? body : JSON.stringify(body) },
      ] as PlainCall[];
    } catch {
      throw new SetupError(`line ${index + 1} of ${file} is no JSON`);
    }
  });
  if (calls.length === 0) throw new SetupError(`${file} has no calls`);
  return calls;
}
