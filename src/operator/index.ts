// The operator's page, on the ops port of a server of admin.v1: finds what an operator has an id of, shows how ppuri is, and
// does what admin.v1 does, by the same use cases and on the same audit trail. Plain HTML without scripts. page.ts answers
// requests, sign-in.ts and sessions.ts say who asks, pages/ shows, acts.ts does. Other folders import this file only.

export { createOperatorPage, type OperatorPageOptions } from './page.ts';
export { createSessions, SESSION_TIMES, type SessionTimes } from './sessions.ts';
export type { Dependency, ProcessState } from './view.ts';
