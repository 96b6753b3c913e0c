// The archiver that stays: it says that a file of WAL is stored when it is, and why where it is not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startArchiver } from '../../scripts/recovery/archiver.ts';
import { openStorage, type Storage } from '../../scripts/recovery/storage.ts';
import { listWal } from '../../scripts/recovery/wal-archive.ts';
import { makeWal } from '../ops/recovery/wal-file.ts';

const NAME = '000000010000000000000001';
const NEXT = '000000010000000000000002';

let folder: string;
let socket: string;
let storage: Storage;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-archiver-'));
  socket = join(folder, 'archive.sock');
  storage = openStorage(join(folder, 'files'), {});
});
after(() => rmSync(folder, { recursive: true, force: true }));

const start = (to = storage) => startArchiver({ storage: to, recipients: [], socket, log: () => {} });

/** Asks as archive_command does. */
function ask(path: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, method: 'POST' }, (response) => {
      let text = '';
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    call.once('error', reject);
    call.end(path);
  });
}

test('a file is stored once, the same again is success, another in its place is refused with the reason', async () => {
  await using _ = await start();
  assert.equal(statSync(socket).mode & 0o777, 0o600, 'others may ask');
  const path = join(folder, 'data', makeWal(join(folder, 'data'), NAME, 42n, 'first'));
  // Twice at once, as where Postgres did not wait for the first answer.
  assert.deepEqual(
    (await Promise.all([ask(path), ask(path)])).map(({ status }) => status),
    [200, 200],
  );
  assert.deepEqual(
    (await listWal(storage, '42')).map(({ name }) => name),
    [NAME],
  );
  makeWal(join(folder, 'data'), NAME, 42n, 'second');
  const refused = await ask(path);
  assert.equal(refused.status, 500);
  assert.match(
    refused.text,
    /^archive: .* has another 000000010000000000000001: .*; it is not overwritten\n$/,
  );
  for (const [wrong, why] of [
    ['pg_wal/000000010000000000000001', /no absolute path/],
    [join(folder, 'data', 'pg_wal', NEXT), /cannot read .*000000010000000000000002: ENOENT/],
    [join(folder, 'data', 'global', 'pg_control'), /pg_control is no file of WAL/],
    [join(folder, NAME), /cannot read/],
  ] as const) {
    const answer = await ask(wrong);
    assert.equal(answer.status, 500);
    assert.match(answer.text, why);
    assert.doesNotMatch(answer.text, /^\s+at /m, 'a stack trace');
  }
});

test('a file that is not in the storage yet is not answered, also where the storage fails', async () => {
  const { promise: isWriting, resolve: writing } = Promise.withResolvers<void>();
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<Error | undefined>();
  const slow: Storage = {
    ...storage,
    write: async (key, content) => {
      writing();
      const error = await mayEnd;
      if (error) throw error;
      await storage.write(key, content);
    },
  };
  await using _ = await start(slow);
  const path = join(folder, 'slow', makeWal(join(folder, 'slow'), NEXT, 43n, 'text'));
  let isAnswered = false;
  const answer = ask(path).then((given) => {
    isAnswered = true;
    return given;
  });
  await isWriting;
  // Whatever could be on its way has its turn.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isAnswered, false);
  end(new Error('the disk broke'));
  const { status, text } = await answer;
  assert.equal(status, 500);
  assert.match(text, /the disk broke/);
  assert.deepEqual(await listWal(storage, '43'), []);
});

test('one archiver for each socket; what a killed one left behind is replaced', async () => {
  {
    await using _ = await start();
    await assert.rejects(start(), /another archiver listens on .*archive.sock/);
  }
  const listening = `require('node:net').createServer().listen(process.argv[1], () => console.log('listening'))`;
  const killed = spawn(process.execPath, ['-e', listening, socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  assert.ok(existsSync(socket), 'the killed process left no socket');
  await using _ = await start();
  const path = join(folder, 'data', makeWal(join(folder, 'data'), NEXT, 42n, 'next'));
  assert.equal((await ask(path)).status, 200);
});
