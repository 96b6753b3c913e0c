// `npm run dashboards`: prints the dashboards of Grafana into deploy/observability/grafana/dashboards/, and docs/dashboards.md.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';
import { DASHBOARDS_FOLDER, dashboardFiles } from './ops/dashboards/index.ts';
import { dashboardsPage } from './ops/dashboards/page.ts';

const PAGE = new URL('../docs/dashboards.md', import.meta.url);

const USAGE = `usage: npm run dashboards [-- --check]
  --check  prints nothing, and fails when a file is not what the code prints`;

await runCli(() => {
  const { values } = readCommandLine(USAGE, { check: { type: 'boolean', default: false } });
  const files = dashboardFiles();
  if (values.check) check(files);
  else print(files);
});

function print(files: ReadonlyMap<string, string>): void {
  rmSync(DASHBOARDS_FOLDER, { recursive: true, force: true });
  mkdirSync(DASHBOARDS_FOLDER, { recursive: true });
  for (const [name, text] of files) writeFileSync(new URL(name, DASHBOARDS_FOLDER), text);
  writeFileSync(PAGE, dashboardsPage());
}

function check(files: ReadonlyMap<string, string>): void {
  const present = new Set(readdirSync(DASHBOARDS_FOLDER));
  const wrong = [...files.keys()].filter(
    (name) =>
      !present.has(name) || readFileSync(new URL(name, DASHBOARDS_FOLDER), 'utf8') !== files.get(name),
  );
  const extra = [...present].filter((name) => !files.has(name));
  const page = readFileSync(PAGE, 'utf8') === dashboardsPage() ? [] : ['docs/dashboards.md'];
  const all = [...wrong, ...extra, ...page];
  if (all.length === 0) return;
  throw new SetupError(`not what the code prints: ${all.join(', ')}; run npm run dashboards`);
}
