// API keys: what a key signs with (material.ts), how its secret is sealed in the database (seal.ts), where its calls may
// come from (networks.ts), and the ring of all keys in memory that signatures are checked by (key-ring.ts).
// Other folders import this file only.

export { createKeyRing, type KeyRing, type RingKey } from './key-ring.ts';
export { drawSecret, readPublicKey } from './material.ts';
export { lieWithin, type NetworkCheck, neighbourhoodOf, readNetworks, withoutMapping } from './networks.ts';
export { isSealedByOld, open, type SealingKeys, seal } from './seal.ts';
