// API keys: what a key signs with (material.ts), how its secret is sealed in the database (seal.ts), the keys of the transparency log (log-keys.ts), where calls may
// come from (networks.ts), and the ring of all keys in memory that signatures are checked by (key-ring.ts). Seeds of sprinkles are sealed
// in the same way (sprinkle-seeds.ts).
// Other folders import this file only.

export { createKeyRing, type KeyRing, type RingKey } from './key-ring.ts';
export { drawLogKey, openLogKey, type SealedLogKey } from './log-keys.ts';
export { drawSecret, readPublicKey } from './material.ts';
export { lieWithin, type NetworkCheck, neighbourhoodOf, readNetworks, withoutMapping } from './networks.ts';
export { isSealedByOld, open, type SealingKeys, seal } from './seal.ts';
export { createSprinkleSeeds, resealSeed } from './sprinkle-seeds.ts';
