// Makes forged calls in a process of its own, so that what they cost to make is not taken from the callers' process.
import { forkProgram } from '../../scripts/dev/programs.ts';
import { type Forgery, flood, grpcForger, restForger, type Tally } from './forged-calls.ts';

/** Which calls, and how many. */
export interface Flood {
  readonly forgery: Forgery;
  readonly perSecond: number;
  readonly ms: number;
}

/** Floods over both transports from another process; resolves with what came of it. */
export async function floodElsewhere(order: Flood): Promise<Tally> {
  const program = await forkProgram(new URL(import.meta.url), { FLOOD: JSON.stringify(order) });
  await program.ended;
  return program.firstMessage as Tally;
}

if (import.meta.main) {
  const { forgery, perSecond, ms } = JSON.parse(process.env.FLOOD ?? '') as Flood;
  // The secret is wrong anyway, and JSON has no bytes.
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
