// What the table of errors (reasons.ts) is made of.
import type { LocalizedText } from './localized-text.ts';

/** The gRPC status names that ppuri answers with (google.rpc.Code). */
export type StatusName =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNAUTHENTICATED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE';

/** The codes that clients can switch on; they don't change when reasons are added. */
export type ErrorCode =
  | 'ERR001'
  | 'ERR002'
  | 'ERR003'
  | 'ERR004'
  | 'ERR005'
  | 'ERR006'
  | 'ERR007'
  | 'ERR008'
  | 'ERR009'
  | 'ERR010';

/** What a reason means to a caller. */
export interface ReasonEntry extends LocalizedText {
  readonly code: ErrorCode;
  readonly status: StatusName;
}

/** Makes an entry. */
export const entry = (code: ErrorCode, status: StatusName, en: string, ko: string): ReasonEntry => ({
  code,
  status,
  en,
  ko,
});

/** What the caller named does not exist, or not for this caller. */
export const notFound = (en: string, ko: string) => entry('ERR005', 'NOT_FOUND', en, ko);

/** The state of things forbids it; nothing is wrong with the request itself. */
export const precondition = (en: string, ko: string) => entry('ERR006', 'FAILED_PRECONDITION', en, ko);
