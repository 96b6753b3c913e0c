// One process of the load generator: gets its work over IPC, makes the calls, and reports what came back.
import { setTimeout as sleep } from 'node:timers/promises';
import { openGrpc } from './grpc-ledger.ts';
import type { Ledger } from './ledger.ts';
import { openPostgres } from './postgres-ledger.ts';
import { Recorder } from './recorder.ts';
import { openRest } from './rest-ledger.ts';
import { idempotencyKeyOf } from './signed.ts';
import { type ReadyCall, Stock } from './stock.ts';
import type { Order, Pace, Report, Work } from './work.ts';

/** How often calls that are due are looked for. */
const TICK_MS = 1;
/** So many more calls are made ready than the pace so far would take: it may get faster. */
const PREPARE_MORE = 1.5;
/** How many calls that are due are made before answers are read again. */
const CALLS_A_TURN = 16;

const report = (message: Report) => process.send?.(message);
const recorder = new Recorder();
let stopped = false;
let running: { prepare: (seconds: number) => void; finish: () => Promise<void> } | undefined;

process.on('message', (order: Order) => {
  if (order.kind === 'start') void start(order);
  else if (order.kind === 'prepare') prepare(order.seconds);
  else if (order.kind === 'record') recorder.record();
  else void stop();
});
process.on('disconnect', () => process.exit(0));

async function start({ work, index, of }: Extract<Order, { kind: 'start' }>): Promise<void> {
  const ledger = await open(work);
  // The processes take turns with the numbers, so that no two make the same call.
  let calls = 0;
  const next = () => index + of * calls++;
  const stock = new Stock(ledger, next);
  const make = async ({ n, send }: ReadyCall, startedAt: number) =>
    recorder.note(await send(), startedAt, work.keepAccepted ? idempotencyKeyOf(n) : undefined);
  // When calls are due is put off by the time in which none could be made.
  let preparing = 0;
  const paces = {
    closed: (pace: Extract<Pace, { kind: 'closed' }>) =>
      Promise.all(
        Array.from({ length: pace.inFlight }, async () => {
          while (!stopped) {
            const call = stock.take();
            recorder.send();
            await make(call, performance.now());
          }
        }),
      ),
    open: async (pace: Extract<Pace, { kind: 'open' }>) => {
      const underWay = new Set<Promise<void>>();
      const begin = performance.now();
      let made = 0;
      for (let after = 0; !stopped; await sleep(TICK_MS)) {
        for (; begin + preparing + after <= performance.now() && !stopped; after += 1000 / pace.perSecond) {
          const due = begin + preparing + after;
          if (underWay.size >= pace.mostUnderWay) {
            recorder.hold();
            continue;
          }
          recorder.send();
          const call: Promise<void> = make(stock.take(), due).finally(() => underWay.delete(call));
          underWay.add(call);
          // A turn of the event loop now and then, so that a backlog does not keep answers from being read.
          if (++made % CALLS_A_TURN === 0) await new Promise(setImmediate);
        }
      }
      await Promise.all(underWay);
    },
  };
  const close = async (work: Promise<unknown>) => {
    await work;
    await ledger.close();
  };
  if (work.pace.kind === 'rush') return rush(ledger, work, next, make);
  const startedAt = performance.now();
  const going = work.pace.kind === 'closed' ? paces.closed(work.pace) : paces.open(work.pace);
  running = {
    prepare: (seconds) => {
      const at = performance.now();
      stock.fill(Math.ceil((calls / (at - startedAt)) * 1000 * seconds * PREPARE_MORE));
      preparing += performance.now() - at;
    },
    finish: () => close(going),
  };
  report({ kind: 'started' });
}

/** Everything is signed before the word is given, and then goes out at once. */
async function rush(
  ledger: Ledger,
  { target }: Work,
  next: () => number,
  make: (call: ReadyCall, startedAt: number) => Promise<void>,
): Promise<void> {
  if (!('calls' in target)) throw new Error('a rush needs calls');
  const ready: ReadyCall[] = [];
  for (let n = next(); n < target.calls.length; n = next()) ready.push({ n, send: ledger.ready(n) });
  const word = new Promise<void>((resolve) => {
    process.on('message', (order: Order) => order.kind === 'record' && resolve());
  });
  report({ kind: 'started' });
  await word;
  await Promise.all(
    ready.map((call) => {
      recorder.send();
      return make(call, performance.now());
    }),
  );
  recorder.stop();
  await ledger.close();
  report({ kind: 'done', load: recorder.load() });
}

async function open(work: Work): Promise<Ledger> {
  const { target } = work;
  if (target.kind === 'grpc') return openGrpc(target, work);
  if (target.kind === 'postgres') return openPostgres(target, work);
  return openRest(target, work);
}

function prepare(seconds: number): void {
  running?.prepare(seconds);
  report({ kind: 'prepared' });
}

async function stop(): Promise<void> {
  recorder.stop();
  stopped = true;
  await running?.finish();
  report({ kind: 'done', load: recorder.load() });
}
