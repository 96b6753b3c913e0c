// Moments as google.protobuf.Timestamp.
import type { Timestamp } from '../../gen/ts/google/protobuf/timestamp.ts';
import { refuseField } from '../domain/refusal.ts';
import type { Micros } from '../domain/time.ts';
import type { Words } from '../domain/words.ts';

const MICROS_PER_SECOND = 1_000_000;
/** Year 1 to 9999, the range of google.protobuf.Timestamp. */
const RANGE = { from: -62_135_596_800n, to: 253_402_300_799n };

const OUT_OF_RANGE: Words = {
  en: 'must be a moment from year 1 to year 9999',
  ko: '1년부터 9999년 사이의 시각이어야 합니다',
};

/** Writes a moment. */
export function toTimestamp(moment: Micros): Timestamp {
  const seconds = Math.floor(moment / MICROS_PER_SECOND);
  return { seconds: BigInt(seconds), nanos: (moment - seconds * MICROS_PER_SECOND) * 1000 };
}

/** Reads a moment, cut down to the microsecond; undefined where there is none. Refuses what is out of range. */
export function fromTimestamp(timestamp: Timestamp | undefined, field: string): Micros | undefined {
  if (!timestamp) return undefined;
  const { seconds, nanos } = timestamp;
  if (seconds < RANGE.from || seconds > RANGE.to || nanos < 0 || nanos > 999_999_999) {
    throw refuseField('INVALID_FIELD', field, OUT_OF_RANGE);
  }
  return Number(seconds) * MICROS_PER_SECOND + Math.floor(nanos / 1000);
}
