// `npm run checkpoints`: copies the saved checkpoints of the transparency log to the storage of backups, once or every ten seconds.
import { setTimeout as sleep } from 'node:timers/promises';
import { reportCrashes } from '../src/runtime/crash.ts';
import { variableNames, withSecretFiles } from '../src/runtime/env.ts';
import { onStopSignal, readCommandLine, runCli, SetupError } from './cli/program.ts';
import { CHECKPOINTS_VARIABLES, readSettings } from './cli/variables.ts';
import { openStorage } from './recovery/storage.ts';
import { storeCheckpoints } from './recovery/store-checkpoints.ts';

const USAGE = `usage: npm run checkpoints [-- --once]
Copies what a worker saves in CHECKPOINT_DIR to BACKUP_URL, under transparency-log/, and overwrites nothing there.
  --once     copies what there is, and ends; for cron
Variables (docs/configuration.md says what they set):
  ${variableNames(CHECKPOINTS_VARIABLES).join(', ')}`;
const EVERY_MS = 10_000;

reportCrashes();
await runCli(async () => {
  const { values } = readCommandLine(USAGE, { once: { type: 'boolean', default: false } });
  const { checkpointDir, url } = readSettings(CHECKPOINTS_VARIABLES);
  if (checkpointDir === undefined) throw new SetupError('CHECKPOINT_DIR is required');
  const storage = openStorage(url, withSecretFiles(CHECKPOINTS_VARIABLES, process.env).env);
  const copy = async () => {
    const stored = await storeCheckpoints(checkpointDir, storage);
    if (stored.length > 0) console.log(`${storage.url}: ${stored.length} files, up to ${stored.at(-1)}`);
  };
  if (values.once) return copy();
  const stopping = new AbortController();
  onStopSignal(
    () => stopping.abort(),
    () => process.exit(1),
  );
  while (!stopping.signal.aborted) {
    await copy().catch((error: unknown) => {
      if (!(error instanceof SetupError)) throw error;
      console.error(error.message);
    });
    await sleep(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
  }
});
