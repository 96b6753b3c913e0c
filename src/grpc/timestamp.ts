// Converts times to and from google.protobuf.Timestamp and Duration.
import type { Duration } from '../../gen/ts/google/protobuf/duration.ts';
import type { Timestamp } from '../../gen/ts/google/protobuf/timestamp.ts';
import { refuseField } from '../domain/refusal.ts';
import { BEGINNING_OF_TIME, END_OF_TIME, type Micros } from '../domain/time.ts';

const MICROS_PER_SECOND = 1_000_000;
const NANOS_PER_MICRO = 1000;
const MAX_NANOS = 999_999_999;
/** Year 1 to 9999, the range of google.protobuf.Timestamp. */
const RANGE = { from: -62_135_596_800n, to: 253_402_300_799n };

/** The Timestamp of a time in microseconds since 1970. */
export function toTimestamp(moment: Micros): Timestamp {
  const seconds = Math.floor(moment / MICROS_PER_SECOND);
  return { seconds: BigInt(seconds), nanos: (moment - seconds * MICROS_PER_SECOND) * NANOS_PER_MICRO };
}

/**
 * Parses the start (inclusive) or the end (exclusive) of a time range. Stored times are whole microseconds, so a bound between
 * two of them is rounded up, which selects the same rows. Bounds outside of the ledger's time are moved to its nearest end.
 * Undefined where the field is missing. Refuses INVALID_FIELD for an invalid Timestamp.
 */
export function toBound(timestamp: Timestamp | undefined, field: string): Micros | undefined {
  return timestamp && within(timestamp, field, Math.ceil);
}

/** Parses an inclusive end: rounds down, otherwise as `toBound`. */
export function toLastMoment(timestamp: Timestamp | undefined, field: string): Micros | undefined {
  return timestamp && within(timestamp, field, Math.floor);
}

/**
 * Parses a time that is stored and shown again. Undefined where the field is missing. Refuses INVALID_FIELD for a time that
 * cannot be stored exactly: outside of the ledger's time, or not in whole microseconds.
 */
export function toExactMoment(timestamp: Timestamp | undefined, field: string): Micros | undefined {
  if (!timestamp) return undefined;
  const moment = within(timestamp, field, Math.floor);
  const { seconds, nanos } = toTimestamp(moment);
  if (seconds === timestamp.seconds && nanos === timestamp.nanos) return moment;
  throw refuseField('INVALID_FIELD', field, {
    en: 'must be from 1970 to 2199, in whole microseconds',
    ko: '1970년부터 2199년까지이고 마이크로초 단위여야 합니다',
  });
}

/** The Duration of a number of seconds, rounded to the microsecond. */
export function toDuration(seconds: number): Duration {
  const micros = Math.round(seconds * MICROS_PER_SECOND);
  const whole = Math.floor(micros / MICROS_PER_SECOND);
  return { seconds: BigInt(whole), nanos: (micros - whole * MICROS_PER_SECOND) * NANOS_PER_MICRO };
}

/** Parses a duration; milliseconds, rounded down to the microsecond. Refuses INVALID_FIELD for an invalid Duration. */
export function toMs({ seconds, nanos }: Duration, field: string): number {
  if (nanos < 0 || nanos > MAX_NANOS || seconds < 0n) {
    throw refuseField('INVALID_FIELD', field, {
      en: 'must be a valid duration of 0 or more',
      ko: '0 이상의 올바른 기간이어야 합니다',
    });
  }
  return (Number(seconds) * MICROS_PER_SECOND + Math.floor(nanos / NANOS_PER_MICRO)) / 1000;
}

function within({ seconds, nanos }: Timestamp, field: string, round: (micros: number) => number): Micros {
  if (seconds < RANGE.from || seconds > RANGE.to || nanos < 0 || nanos > MAX_NANOS) {
    throw refuseField('INVALID_FIELD', field, {
      en: 'must be a moment from year 1 to year 9999',
      ko: '1년부터 9999년까지의 시각이어야 합니다',
    });
  }
  // Beyond 2^53 microseconds (year 2255) this is not exact, but that is outside of the ledger's time, which ends in 2199.
  const moment = Number(seconds) * MICROS_PER_SECOND + round(nanos / NANOS_PER_MICRO);
  return Math.min(Math.max(moment, BEGINNING_OF_TIME), END_OF_TIME);
}
