// docs/dashboards.md, made from the dashboards themselves.
import type { DashboardSpec } from './dashboard.ts';
import { DASHBOARDS } from './index.ts';
import type { PanelSpec } from './panel.ts';
import { PICTURES } from './pictures.ts';

/** The text of docs/dashboards.md. */
export function dashboardsPage(): string {
  return `# Dashboards
Printed by \`npm run dashboards\` from \`scripts/ops/dashboards/\`; a test holds it in step.

- **In Grafana**: copy \`deploy/observability/grafana/dashboards\` to the folder that \`deploy/observability/grafana/provisioning/dashboards/ppuri.yml\` names, and both files of \`provisioning\` to Grafana's. Every dashboard asks the chosen data source of Prometheus, for all processes or for some. Links to runbooks begin with the variable \`runbooks\`.
- **Without Grafana**: \`npm run observe\` prints the address of a page that draws the same panels from the same files. \`npm run screenshots\` took these pictures of it, of two minutes in which it sent calls through a ppuri of its own.

${PICTURES.map(({ dashboard, file }) => `![The dashboard ${dashboard}](dashboards/${file})`).join('\n\n')}

To change a panel, change it in \`scripts/ops/dashboards/\` and print the files. Each says what it shows and what a good value is; the expressions stand in the JSON and on the page. Metrics: [metrics.md](metrics.md).

${DASHBOARDS.map(sectionOf).join('\n')}`;
}

function sectionOf({ name, title, purpose, rows }: DashboardSpec): string {
  const panels = rows.flatMap((row) => row.panels.map(({ spec }) => rowOf(row.title, spec)));
  return `## ${title.charAt(0).toUpperCase()}${title.slice(1)}
${purpose} \`deploy/observability/grafana/dashboards/${name}.json\`

| row | panel | shows | good |
|---|---|---|---|
${panels.join('\n')}
`;
}

function rowOf(row: string, { title, tells, good, requires }: PanelSpec): string {
  const shows = requires === undefined ? tells : `${tells} Requires ${requires}.`;
  return `| ${[row, title, shows, good].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
