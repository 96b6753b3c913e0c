// Payouts and their lines in the database: drafts and their lines (append-lines.ts), what callers see of them (lines.ts), and
// the progress of all that run (running.ts). The ledger writes the rest.
// Other folders import this file only.

export { type OpenDraft, withDraft } from './append-lines.ts';
export { failedLines, findPayout, findPayouts, linesBetween, type PayoutView } from './lines.ts';
export { PAYOUT_COLUMNS, type PayoutRow, toPayout } from './rows.ts';
export { runningPayouts } from './running.ts';
