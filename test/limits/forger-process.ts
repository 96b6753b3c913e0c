// Makes forged calls in a process of its own, so that what they cost to make is not taken from the callers' process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { forwardOutput } from '../../scripts/dev/fork-program.ts';
import { type Forgery, flood, grpcForger, restForger, type Tally } from './forged-calls.ts';

/** Which calls, and how many. */
export interface Flood {
  readonly forgery: Forgery;
  readonly perSecond: number;
  readonly ms: number;
}

/** Floods over both transports from another process; resolves with what came of it. */
export async function floodElsewhere(order: Flood): Promise<Tally> {
  const child = fork(fileURLToPath(import.meta.url), { serialization: 'advanced' });
  forwardOutput(child);
  child.send(order);
  const [tally] = (await once(child, 'message')) as [Tally];
  await once(child, 'exit');
  return tally;
}

if (import.meta.main) {
  const [{ forgery, perSecond, ms }] = (await once(process, 'message')) as [Flood];
  // On the way here a Buffer became a plain array of bytes.
  const key = { ...forgery.key, secret: Buffer.alloc(32) } as Forgery['key'];
  const forgers = [grpcForger({ ...forgery, key }), restForger({ ...forgery, key })];
  const tally = await flood(
    forgers.map(({ forge }) => forge),
    perSecond,
    ms,
  );
  for (const { close } of forgers) close();
  process.send?.(tally);
  process.disconnect?.();
}
