// An entry of the table of reasons: code, gRPC status and texts.
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
