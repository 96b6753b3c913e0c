// `npm run build`: compiles the programs of the image to JavaScript in dist/, with the files that they read beside them.
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** What programs read at run time, relative to their own files, and the health check. */
const READ_FILES = ['src/**/*.sql', 'envoy/*.{yaml,lua}', 'gen/descriptor.binpb', 'scripts/image/*.sh'];

// The image's user is another one, who has to read what is made, whatever the umask of the shell.
process.umask(0o022);
rmSync(DIST, { recursive: true, force: true });
const { status } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const file of globSync(READ_FILES, { cwd: ROOT })) cpSync(join(ROOT, file), join(DIST, file));
process.exitCode = status ?? 1;
