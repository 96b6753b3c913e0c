// The cryptographic random source of the operating system.
import { randomInt, randomUUID } from 'node:crypto';
import type { Random } from '../domain/random.ts';

/** randomInt draws without bias from ranges up to 2^48, which is why a sprinkle's amount ends there. */
export const cryptoRandom: Random = {
  below: (limit) => randomInt(limit),
  uuid: () => randomUUID(),
};
