// The statistics for operators: their names and meanings.

/** The period of a figure; hours and days begin in UTC. */
export const PERIODS = ['hour', 'day'] as const;

export type Period = (typeof PERIODS)[number];

/** Every measure, and its meaning. */
export const MEASURES = {
  active_users: 'users who moved money or had money sent to them; refunds do not count',
  transfers: 'transfers, by kind',
  volume: 'what transfers moved, in smallest units, by kind and currency',
  sprinkles: 'sprinkles that were made',
  shares_offered: 'shares of sprinkles that ended',
  shares_claimed: 'how many of those shares were claimed',
  claim_rate: 'shares claimed as a fraction of shares offered, of sprinkles that ended',
  sprinkles_emptied: 'sprinkles of which every share was claimed',
  time_to_empty_p50_ms:
    'how long it took until all shares were claimed, in milliseconds: half took no longer',
  time_to_empty_p95_ms:
    'how long it took until all shares were claimed, in milliseconds: 95 of 100 took no longer',
  room_sprinkles: 'sprinkles made in the 20 rooms with the most, by room',
  room_volume: 'what was sprinkled in the 20 rooms with the most, in smallest units, by room and currency',
  calls: 'calls that servers answered, by code (OK, ERR001 and so on)',
  latency_p50_ms: 'how long calls took, in milliseconds: half took no longer, as far as buckets tell',
  latency_p95_ms: 'how long calls took, in milliseconds: 95 of 100 took no longer',
  latency_p99_ms: 'how long calls took, in milliseconds: 99 of 100 took no longer',
  cache_hit_rate: 'cache hits as a fraction of lookups, by cache',
} as const;
