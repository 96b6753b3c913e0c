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
  shares_claimed: 'how many of those shares were grabbed',
  claim_rate: 'shares grabbed as a part of shares offered, of sprinkles that ended',
  sprinkles_emptied: 'sprinkles that were grabbed to the last share',
  time_to_empty_p50_ms: 'how long it took to grab all shares, in milliseconds: half took no longer',
  time_to_empty_p95_ms: 'how long it took to grab all shares, in milliseconds: 95 of 100 took no longer',
  room_sprinkles: 'sprinkles made in the 20 rooms with the most, by room',
  room_volume: 'what was sprinkled in the 20 rooms with the most, in smallest units, by room and currency',
  calls: 'calls that servers answered, by code (OK, ERR001 and so on)',
  latency_p50_ms: 'how long calls took, in milliseconds: half took no longer, as far as buckets tell',
  latency_p95_ms: 'how long calls took, in milliseconds: 95 of 100 took no longer',
  latency_p99_ms: 'how long calls took, in milliseconds: 99 of 100 took no longer',
  cache_hit_rate: 'what was found in caches as a part of what was looked for, by cache',
} as const;

export type Measure = keyof typeof MEASURES;
