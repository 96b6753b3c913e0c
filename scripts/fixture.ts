// `npm run fixture -- COMMIT`: keeps the programs of a release for the tests of upgrades from it (test/ops/upgrade).
// The clone that is tested may have neither tags nor history, so they are an archive in the repository.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readCommandLine } from './cli/program.ts';

const ROOT = join(import.meta.dirname, '..');
const FIXTURE = join(ROOT, 'test', 'ops', 'upgrade', 'released.tar.gz');
/** What the server, the worker and the migrations run on. */
const PATHS = ['src', 'gen/ts', 'gen/descriptor.binpb', 'package.json', 'package-lock.json'];
const USAGE = `usage: npm run fixture -- COMMIT
COMMIT is the released one. Its programs are written to test/ops/upgrade/released.tar.gz.`;

const { positionals } = readCommandLine(USAGE, {});
const [commit] = positionals;
if (commit === undefined || positionals.length > 1) {
  console.error(USAGE);
  process.exit(1);
}
const archive = execFileSync('git', ['archive', '--format=tar', commit, ...PATHS], {
  cwd: ROOT,
  maxBuffer: 1 << 28,
});
writeFileSync(FIXTURE, gzipSync(archive, { level: 9 }));
