// Documents name files, commands and pages that exist, and ARCHITECTURE.md stays short enough to be read in one go.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const ROOT = new URL('../..', import.meta.url).pathname;
const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
})
  .toString()
  .split('\n')
  // The changelog tells of what was, too.
  .filter((page) => page !== '' && page !== 'CHANGELOG.md' && existsSync(join(ROOT, page)));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

for (const page of PAGES) {
  test(`${page} names what exists`, () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const paths = [...text.matchAll(/`((?:src|test|scripts|bench|proto|gen|envoy|docs)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
      normalize(join(dirname(page), link)),
    );
    const missing = [...paths, ...links].filter((path) => !existsSync(join(ROOT, path)));
    const commands = [...text.matchAll(/npm run (\w[\w:-]*)/g)].map(([, name = '']) => name);
    assert.deepEqual(missing, []);
    assert.deepEqual(
      commands.filter((name) => !(name in scripts)),
      [],
    );
  });
}

test('ARCHITECTURE.md has at most 1,500 words', () => {
  const words = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').split(/\s+/);
  assert.ok(words.length <= 1500, `${words.length} words`);
});
