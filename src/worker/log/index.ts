// The transparency log, as a worker keeps it: sealed transfers become leaves, and every ten seconds what the log is gets signed
// and saved. Other folders import this file only.

export { createLogKeeper, LOG_TIMES, type LogSettings, type LogTimes } from './log-keeper.ts';
