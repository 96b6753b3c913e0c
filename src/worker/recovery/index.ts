// Backups and drills, where a worker is set up for them: it takes the runs that were asked for (recovery-runner.ts), runs
// its command for each as a process (command.ts), and reads what that printed (reports.ts). Keys and credentials of backups
// are in the environment of that command; the worker knows none. Other folders import this file only.

export {
  createRecoveryRunner,
  RECOVERY_TIMES,
  type RecoverySettings,
  type RecoveryTimes,
} from './recovery-runner.ts';
