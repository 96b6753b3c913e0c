// All cases, in the order of measuring.
import { ARCHIVE } from './archive.ts';
import { BY_HAND, CLASSICAL_HOT, CLASSICAL_UNIFORM, ECHO, SIGNED_ECHO } from './baselines.ts';
import type { Case } from './case.ts';
import { AMONG_MILLION, AMONG_TEN_MILLION, AMONG_THOUSAND, DEEP_PAGES } from './growth.ts';
import { OVERLOAD } from './overload.ts';
import { PAYOUT } from './payout.ts';
import { CACHED, COLD, HISTORY } from './reads.ts';
import { IDLE_CONNECTIONS, OPEN_STREAMS, SOAK } from './soak.ts';
import { CREATE_SPRINKLE, RUSH } from './sprinkles.ts';
import {
  ALONE,
  BATCH_HOT,
  BATCH_UNIFORM,
  INTO_ONE,
  OUT_OF_ONE,
  THROUGH_ENVOY,
  UNIFORM,
} from './transfers.ts';

/**
 * Baselines are measured at the beginning, in the middle and at the end, and their median counts. Other cases are close
 * to the baseline that they are compared with.
 */
export const CASES: readonly Case[] = [
  ECHO,
  UNIFORM,
  CLASSICAL_UNIFORM,
  THROUGH_ENVOY,
  OUT_OF_ONE,
  INTO_ONE,
  CLASSICAL_HOT,
  BATCH_UNIFORM,
  BATCH_HOT,
  PAYOUT,
  ECHO,
  CLASSICAL_UNIFORM,
  UNIFORM,
  SIGNED_ECHO,
  CACHED,
  COLD,
  HISTORY,
  CREATE_SPRINKLE,
  RUSH,
  BY_HAND,
  ALONE,
  CLASSICAL_UNIFORM,
  UNIFORM,
  ECHO,
  OVERLOAD,
  AMONG_THOUSAND,
  AMONG_MILLION,
  AMONG_TEN_MILLION,
  DEEP_PAGES,
  IDLE_CONNECTIONS,
  OPEN_STREAMS,
  SOAK,
  ARCHIVE,
];

/**
 * The cases whose names contain one of the texts; without a text, all but the long ones.
 */
export function casesFor(names: readonly string[]): readonly Case[] {
  if (names.length === 0) return CASES.filter(({ isLong }) => !isLong);
  return CASES.filter(({ name }) => names.some((text) => name.toLowerCase().includes(text.toLowerCase())));
}
