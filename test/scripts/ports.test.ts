// `npm start` on a port that is taken: one line that names the variable to change.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { environmentOf, findFreePorts } from '../../scripts/dev/ports.ts';

const START = resolve(import.meta.dirname, '../../scripts/start.ts');

test('a port that is taken: one line that says which, and which variable sets it', async () => {
  const other = createServer();
  await new Promise<void>((ready) => other.listen(0, '127.0.0.1', ready));
  const { port } = other.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-test-'));
  const { status, stderr } = spawnSync(process.execPath, [START], {
    encoding: 'utf8',
    timeout: 30_000,
    env: {
      ...process.env,
      ...environmentOf(await findFreePorts()),
      POSTGRES_PORT: String(port),
      DATA_DIR: folder,
    },
  });
  other.close();
  rmSync(folder, { recursive: true });
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`^port ${port} on 127.0.0.1 is taken .*POSTGRES_PORT.*\\n$`));
});
