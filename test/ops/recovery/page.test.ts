// docs/recovery.md works as it is written: its archiver and settings archive, its command backs up, and its steps restore, but for the paths.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { ARCHIVE_VARIABLES } from '../../../scripts/cli/variables.ts';
import { commandLine, findUnprivileged } from '../../../scripts/dev/postgres.ts';
import { MOVE_QUEUE } from '../../../scripts/recovery/epochs.ts';
import { type OwnPostgres, startOwnPostgres } from '../../db/own-postgres.ts';
import { until } from '../../until.ts';
import { openBank } from './bank.ts';
import { linesWith as linesOf, placed as placedIn, RESTORE, shell as shellIn } from './pages.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PAGE = 'docs/recovery.md';
const TEXT = readFileSync(join(ROOT, PAGE), 'utf8');
const IN_TIME_MS = 60_000;
/** With this Node as `node`. */
const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;

let folder: string;
let postgres: OwnPostgres;
let client: pg.Client;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-page-'));
  // Postgres may run as another user.
  chmodSync(folder, 0o777);
  const settings = linesWith('archive_command').map((line) => placed(line).split(/ = (.*)/s));
  postgres = await startOwnPostgres(
    Object.fromEntries(
      // Postgres itself takes the quotes of its file away.
      settings.map(([name = '', value = '']) => [name, value.replace(/^'(.*)'$/, `PATH="${PATH}"; $1`)]),
    ),
  );
  client = new pg.Client({ connectionString: postgres.ownerUrl });
  await client.connect();
});
after(async () => {
  await client?.end();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The lines of the one block of the page that has this text. */
function linesWith(text: string): string[] {
  return linesOf(PAGE, text);
}

/** A line of the page with places of this test. */
function placed(line: string): string {
  return placedIn(line, {
    '/etc/ppuri/': `${folder}/`,
    '/run/ppuri-archive/': `${folder}/`,
    '/srv/ppuri/': `${ROOT}/`,
    '/var/backups/ppuri': join(folder, 'backups'),
    '/var/lib/postgresql/restored': join(folder, 'restored'),
    '/var/log/ppuri': join(folder, 'log'),
    'identity.txt': join(folder, 'identity.txt'),
    'npm run restore --': RESTORE,
  });
}

async function makeFiles(): Promise<void> {
  const makeKey = /`npm run (backup -- --make-key identity.txt)`/.exec(TEXT)?.[1] ?? '';
  const recipient = (await shell(makeKey.replace('backup --', `node ${ROOT}/scripts/backup.ts`))).trim();
  assert.equal(statSync(join(folder, 'identity.txt')).mode & 0o777, 0o600);
  mkdirSync(join(folder, 'log'));
  const variables = linesWith('BACKUP_RECIPIENTS=')
    .map(placed)
    .map((line) => line.replace(/postgres:\S+/, postgres.ownerUrl))
    .filter((line) => !line.startsWith('KEY_ENCRYPTION_KEYS'))
    .concat(`ARCHIVE_SOCKET=${join(folder, 'archive.sock')}`);
  writeFileSync(join(folder, 'backup.env'), variables.join('\n').replace('age1…', recipient), {
    mode: 0o644,
  });
}

/** Runs a line of the page, with this moment. */
function shell(line: string, moment = ''): Promise<string> {
  return shellIn(placed(line).replace('2026-11-26T04:31:00Z', moment), folder, {
    BACKUP_URL: join(folder, 'backups'),
  });
}

/** Starts the archiver as the user of Postgres. Returns what ends it, as its own end would. */
async function startArchiver(): Promise<() => Promise<void>> {
  const how = findUnprivileged();
  const { command, args } = commandLine(how, 'sh', ['-ec', placed(linesWith('scripts/archive.ts')[0] ?? '')]);
  const child = spawn(command, args, { ...how.user, env: { ...process.env, PATH }, stdio: 'pipe' });
  let said = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (text) => {
      said += text;
    });
  await until('the archiver listens', () => said.startsWith('archiving to '), IN_TIME_MS);
  return async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
}

/** Ends the present segment, and waits until it is archived. */
async function archive(): Promise<void> {
  const { rows } = await client.query<{ file: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS file');
  const isArchived = async () =>
    (
      await client.query<{ done: boolean }>('SELECT last_archived_wal >= $1 AS done FROM pg_stat_archiver', [
        rows[0]?.file,
      ])
    ).rows[0]?.done === true;
  await until('the WAL is archived', isArchived, IN_TIME_MS);
}

const log = () => readFileSync(join(dirname(postgres.cluster), 'postgres.log'), 'utf8');

test('the steps of docs/recovery.md', { timeout: 240_000 }, async () => {
  await makeFiles();
  const endArchiver = await startArchiver();
  const atFirst = log().length;
  await using bank = await openBank(postgres);
  const backup = /`(nice node --env-file=backup\.env scripts\/backup\.ts)`/.exec(TEXT)?.[1] ?? '';
  await shell(backup.replace('scripts/', `${ROOT}/scripts/`));
  await bank.payMany(10);
  await archive();
  assert.doesNotMatch(log().slice(atFirst), /curl:/, 'the archiver was not asked');
  const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  await bank.payMany(10);
  // From here on the second half of the command archives.
  await endArchiver();
  await archive();
  assert.match(log(), /curl: \(7\)/);

  const moment = rows[0]?.now.toISOString() ?? '';
  const into = join(folder, 'restored');
  await shell(linesWith('--into /var/lib')[0]?.replace(/ --into.*/, '') ?? '', moment);
  assert.equal(existsSync(into), false, 'the plan made the target');
  const report = await shell(linesWith('--into /var/lib')[0] ?? '', moment);
  assert.match(report, /The books of ppuri are right/);
  assert.ok(existsSync(join(into, 'PG_VERSION')));
});

test('the unit of systemd runs what the page says', () => {
  const unit = readFileSync(join(ROOT, 'deploy/recovery/ppuri-archive.service'), 'utf8');
  const command = (linesWith('scripts/archive.ts')[0] ?? '').replace('exec ', '');
  assert.ok(unit.includes(`\nExecStart=/usr/bin/env ${command}\n`));
  // systemd removes the folder when the archiver stops, so nothing else may be in it.
  const folder = /^RuntimeDirectory=(.*)$/m.exec(unit)?.[1];
  assert.ok(TEXT.includes(` --unix-socket /run/${folder}/archive.sock `));
  assert.equal(ARCHIVE_VARIABLES.socket.fallback, `/run/${folder}/archive.sock`);
  assert.ok(!readFileSync(join(ROOT, 'docs/edge.md'), 'utf8').includes(`/run/${folder}/`));
});

test('what other tools leave to do is what a restore does', () => {
  assert.ok(TEXT.includes(MOVE_QUEUE));
});
