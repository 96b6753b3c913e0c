// A dashboard: rows of panels, and the variables at its top.
import {
  AnnotationQueryBuilder,
  ConstantVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE, type DashboardPanel } from './panel.ts';
import { FIRING } from './promql.ts';

/** A row of panels under a title. */
export interface DashboardRow {
  readonly title: string;
  readonly panels: readonly DashboardPanel[];
}

/** What a dashboard shows. */
export interface DashboardSpec {
  /** Its file is `name.json`, its uid in Grafana `ppuri-name`. */
  readonly name: string;
  readonly title: string;
  /** The question that it answers. */
  readonly purpose: string;
  /** A metric of the processes that can be chosen by `$instance`. */
  readonly instancesOf: string;
  readonly rows: readonly DashboardRow[];
}

/** Where the runbooks are read; `npm run dashboards` prints it into every dashboard as its variable `runbooks`. */
export const RUNBOOKS_URL = 'https://ppuri.example/docs/runbooks';

/** Builds the dashboard as Grafana imports it. */
export function buildDashboard({ name, title, purpose, instancesOf, rows }: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(`ppuri: ${title}`)
    .uid(`ppuri-${name}`)
    .description(purpose)
    .tags(['ppuri'])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .variables([
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      new QueryVariableBuilder('instance')
        .label('Instance')
        .datasource(DATASOURCE)
        .query(`label_values(${instancesOf}, instance)`)
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ selected: true, text: 'All', value: '$__all' }),
      new ConstantVariableBuilder('runbooks').value(RUNBOOKS_URL),
    ])
    .annotation(
      new AnnotationQueryBuilder()
        .name('Alerts')
        .datasource(DATASOURCE)
        .enable(true)
        .iconColor('red')
        .expr(FIRING)
        .titleFormat('{{alertname}}')
        .tagKeys('severity,instance'),
    )
    .link(
      new DashboardLinkBuilder('Dashboards of ppuri')
        .type(DashboardLinkType.Dashboards)
        .tags(['ppuri'])
        .asDropdown(true)
        .keepTime(true),
    );
  // Numbers that stay the same while panels are added at the end of a row: links to a panel name them.
  for (const [row, { title: rowTitle, panels }] of rows.entries()) {
    builder.withRow(new RowBuilder(rowTitle).id(100 * (row + 1)));
    for (const [column, panel] of panels.entries()) {
      builder.withPanel(panel.build(100 * (row + 1) + column + 1));
    }
  }
  return builder.build();
}
