// A Postgres that archives its log and goes back in time: restored from a backup to a moment in between.
import { appendFileSync, chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { backUp } from '../../scripts/dev/replica.ts';
import { until } from '../until.ts';
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts';

/** It, and the way back. */
export interface TimeTravel extends OwnPostgres {
  /** Copies everything as it is now. */
  backUp(): Promise<void>;
  /** Names this moment. */
  markMoment(name: string): Promise<void>;
  /** Restores the backup and plays the log up to the moment; what came after is gone (point-in-time recovery). */
  goBackTo(name: string): Promise<void>;
}

const IN_TIME_MS = 60_000;

/** Starts it. */
export async function startTimeTravel(): Promise<TimeTravel> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-archive-'));
  // Postgres may run as another user.
  chmodSync(folder, 0o777);
  const own = await startOwnPostgres({
    archive_mode: 'on',
    archive_command: `cp %p ${folder}/%f`,
    restore_command: `cp ${folder}/%f %p`,
  });
  const backup = join(folder, 'backup');
  const ask = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: own.ownerUrl });
    await client.connect();
    return (await client.query<Row>(sql, values).finally(() => client.end())).rows[0];
  };
  return {
    ...own,
    backUp: () => backUp(own.ownerUrl, backup),
    markMoment: async (name) => {
      await ask('SELECT pg_create_restore_point($1)', [name]);
    },
    async goBackTo(name) {
      const last = await ask<{ file: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS file');
      const isArchived = async () =>
        (
          await ask<{ done: boolean }>('SELECT last_archived_wal >= $1 AS done FROM pg_stat_archiver', [
            last?.file,
          ])
        )?.done === true;
      await until('the log is archived', isArchived, IN_TIME_MS);
      await own.kill();
      rmSync(own.cluster, { recursive: true });
      renameSync(backup, own.cluster);
      writeFileSync(join(own.cluster, 'recovery.signal'), '');
      appendFileSync(
        join(own.cluster, 'postgresql.auto.conf'),
        `recovery_target_name = '${name}'\nrecovery_target_action = 'promote'\n`,
      );
      await own.restart();
      const isThere = async () =>
        (await ask<{ done: boolean }>('SELECT NOT pg_is_in_recovery() AS done'))?.done === true;
      await until('the moment is restored', isThere, IN_TIME_MS);
    },
    async stop() {
      await own.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
