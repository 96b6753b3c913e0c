// Programs of Postgres get no password on their command lines, and one that is killed has not succeeded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastError, startProgram, withoutPassword } from '../../scripts/recovery/client-programs.ts';

test('a password of the URL goes by the environment, and where there is none PGPASSWORD stays', () => {
  for (const [url, href, env] of [
    ['postgres://o:s%40x@h:1/db', 'postgres://o@h:1/db', { PGPASSWORD: 's@x' }],
    ['postgres://h/db?user=o&password=s%40x', 'postgres://h/db?user=o', { PGPASSWORD: 's@x' }],
    ['postgres://o:no@h/db?password=s', 'postgres://o@h/db', { PGPASSWORD: 's' }],
    ['postgres://o@h/db?options=-c%20a%3Db', 'postgres://o@h/db?options=-c%20a%3Db', {}],
  ] as const)
    assert.deepEqual(withoutPassword(url), { href, env }, url);
});

test('a program that fails says why, also one that is killed and says nothing', async () => {
  const run = (script: string) => startProgram('/bin/sh', ['-c', script]).ended;
  assert.equal(await run('exit 0'), undefined);
  assert.equal(await run('echo first >&2; echo second >&2; exit 1'), 'first');
  assert.equal(await run('kill -9 $$'), '/bin/sh failed (SIGKILL)');
  assert.equal(await run('exit 3'), '/bin/sh failed (exit code 3)');
});

test('of what a program said the last error is told, and not the line that goes on with it', () => {
  const said = [
    'NOTICE:  base backup done, waiting for required WAL segments to be archived',
    'pg_basebackup: error: could not read COPY data: server closed the connection unexpectedly',
    '\tThis probably means the server terminated abnormally',
    '\tbefore or while processing the request.',
    'pg_basebackup: removing contents of data directory',
    '',
  ].join('\n');
  assert.match(lastError(said), /^pg_basebackup: error: could not read COPY data: server closed/);
  assert.equal(lastError('pg_basebackup: what is this?\n'), 'pg_basebackup: what is this?');
  assert.equal(lastError('NOTICE:  nothing\n'), 'it said nothing');
});
