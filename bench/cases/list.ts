// All cases, in the order of measuring.
import { ARCHIVE } from './archive.ts';
import { BAD_CALLS } from './bad-calls.ts';
import { BY_HAND, CLASSICAL_HOT, CLASSICAL_UNIFORM, ECHO, SIGNED_ECHO } from './baselines.ts';
import type { Case } from './case.ts';
import { FEED } from './feed.ts';
import { FILTERED } from './filtered.ts';
import { AMONG_MILLION, AMONG_TEN_MILLION, AMONG_THOUSAND, DEEP_PAGES } from './growth.ts';
import { OVERLOAD } from './overload.ts';
import { PAYOUT } from './payout.ts';
import { CACHED, CACHED_REST, COLD, HISTORY } from './reads.ts';
import { RECOVERY } from './recovery.ts';
import { IDLE_CONNECTIONS, OPEN_STREAMS, SOAK } from './soak.ts';
import { CREATE_SPRINKLE, RUSH } from './sprinkles.ts';
import { STATEMENT } from './statement.ts';
import { STEPS } from './steps.ts';
import { TRACING } from './tracing.ts';
import {
  ALONE,
  BATCH_HOT,
  BATCH_UNIFORM,
  CREATE_HOLD,
  INTO_ONE,
  OUT_OF_ONE,
  SIXTEEN,
  THROUGH_ENVOY,
  UNIFORM,
  WITH_LIMITS,
} from './transfers.ts';
import { WATCHING } from './watching.ts';

/**
 * Baselines are measured at the beginning, in the middle and at the end, and their median counts. Other cases are close
 * to the baseline that they are compared with.
 */
export const CASES: readonly Case[] = [
  ECHO,
  UNIFORM,
  WITH_LIMITS,
  CLASSICAL_UNIFORM,
  THROUGH_ENVOY,
  CREATE_HOLD,
  SIXTEEN,
  OUT_OF_ONE,
  INTO_ONE,
  BAD_CALLS,
  CLASSICAL_HOT,
  BATCH_UNIFORM,
  BATCH_HOT,
  PAYOUT,
  ECHO,
  CLASSICAL_UNIFORM,
  UNIFORM,
  SIGNED_ECHO,
  CACHED,
  CACHED_REST,
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
  FILTERED,
  IDLE_CONNECTIONS,
  OPEN_STREAMS,
  SOAK,
  ARCHIVE,
  RECOVERY,
  TRACING,
  WATCHING,
  FEED,
  STATEMENT,
  STEPS,
];

/**
 * The cases whose names contain one of the texts, or the one case whose whole name a text is; without a text, all but the
 * long ones.
 */
export function casesFor(texts: readonly string[]): readonly Case[] {
  if (texts.length === 0) return CASES.filter(({ isLong }) => !isLong);
  const wanted = texts.map((text) => text.toLowerCase());
  const wholeNames = new Set(CASES.map(({ name }) => name.toLowerCase()));
  const isNamed = (name: string) =>
    wanted.some((text) => (wholeNames.has(text) ? name === text : name.includes(text)));
  return CASES.filter(({ name }) => isNamed(name.toLowerCase()));
}
