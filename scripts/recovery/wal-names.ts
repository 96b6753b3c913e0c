// Names and positions of WAL (PostgreSQL documentation, "WAL Internals"): segments, timelines and log sequence numbers.

/** A segment of WAL by its place. */
export interface Segment {
  readonly timeline: number;
  /** Counts segments from the beginning of the WAL. */
  readonly number: bigint;
}

/** Which timeline holds which segments: where each was left for the next. */
export interface TimelineSwitch {
  readonly timeline: number;
  /** The position at which the next timeline begins; undefined for the last one. */
  readonly until: bigint | undefined;
}

const SEGMENT = /^[0-9A-F]{24}$/;
const ARCHIVED = /^(?:[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)$/;
const LOG_BYTES = 0x1_0000_0000n;

/** Whether Postgres archives files with this name. */
export function isWalName(name: string): boolean {
  return ARCHIVED.test(name);
}

/** The place of a segment; undefined for other files. */
export function parseSegment(name: string, segmentBytes: number): Segment | undefined {
  if (!SEGMENT.test(name)) return undefined;
  const [timeline = 0, log = 0, part = 0] = [0, 8, 16].map((from) =>
    Number.parseInt(name.slice(from, from + 8), 16),
  );
  return { timeline, number: BigInt(log) * (LOG_BYTES / BigInt(segmentBytes)) + BigInt(part) };
}

/** The name of a segment. */
export function segmentName({ timeline, number }: Segment, segmentBytes: number): string {
  const perLog = LOG_BYTES / BigInt(segmentBytes);
  return [BigInt(timeline), number / perLog, number % perLog]
    .map((value) => value.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** A position, `0/3000028`, as a number of bytes. */
export function parseLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** The number of the segment that a position lies in. */
export function segmentAt(lsn: bigint, segmentBytes: number): bigint {
  return lsn / BigInt(segmentBytes);
}

/** The timelines that lead to this one, itself the last, from the text of its history file. */
export function parseHistory(timeline: number, text: string): TimelineSwitch[] {
  const before = text
    .split('\n')
    .map((line) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line))
    .flatMap((match) => (match ? [{ timeline: Number(match[1]), until: parseLsn(match[2] ?? '') }] : []));
  return [...before, { timeline, until: undefined }];
}

/** The timeline whose WAL is read at a segment: the newest that has begun in it or before. */
export function timelineOf(history: readonly TimelineSwitch[], number: bigint, segmentBytes: number): number {
  const found = history.find(({ until }) => until === undefined || segmentAt(until, segmentBytes) > number);
  return found?.timeline ?? 0;
}
