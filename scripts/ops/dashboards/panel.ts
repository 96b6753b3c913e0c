// A panel of a dashboard: what it has to say besides its expressions, and how Grafana's SDK builds it.
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as ChartBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import * as units from '@grafana/grafana-foundation-sdk/units';

/** Units of values, by Grafana's names for them. */
export const UNIT = {
  perSecond: units.CountsPerSecond,
  calls: units.RequestsPerSecond,
  seconds: units.Seconds,
  /** Seconds that may be days: shown as such. */
  duration: units.DurationSeconds,
  bytes: units.BytesIEC,
  bytesPerSecond: units.BytesPerSecondIEC,
  /** A share from 0 to 1, shown as a percentage. */
  share: units.PercentUnit,
  count: units.Short,
} as const;

/** The data source that is chosen at the top of the dashboard. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** One expression of a panel and the name of its lines, where `{{label}}` is the value of a label. */
export type PanelQuery = readonly [expression: string, legend: string];

/** What a panel shows. */
export interface PanelSpec {
  readonly title: string;
  /** What is drawn, in a sentence. */
  readonly tells: string;
  /** What a good value is, and what to think of otherwise. */
  readonly good: string;
  readonly unit: (typeof UNIT)[keyof typeof UNIT];
  readonly queries: readonly PanelQuery[];
  /** Where good values end: red from there on. */
  readonly bad?: { readonly above: number } | { readonly below: number };
  /** The page of docs/runbooks that tells what to do, without its ending. */
  readonly runbook?: string;
  /** What has to be there before anything tells its metrics: `a replica`. */
  readonly requires?: string;
}

/** A panel as the SDK takes it, with what it was made of. */
export interface DashboardPanel {
  readonly spec: PanelSpec;
  /** Builds the panel with its number in the dashboard. */
  build(id: number): Builder<Panel>;
}

/** Four stats or two charts stand beside each other: Grafana's grid has 24 columns. */
const STAT_SIZE = { width: 6, height: 4 };
const CHART_SIZE = { width: 12, height: 8 };

/** Lines over time. */
export function chart(spec: PanelSpec): DashboardPanel {
  return {
    spec,
    build: (id) =>
      describe(new ChartBuilder(), spec, id)
        .span(CHART_SIZE.width)
        .height(CHART_SIZE.height)
        .min(0)
        .fillOpacity(8)
        .legend(
          new VizLegendOptionsBuilder()
            .displayMode(LegendDisplayMode.Table)
            .placement(LegendPlacement.Bottom)
            .showLegend(true)
            .calcs(['lastNotNull', 'max']),
        )
        .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
        .thresholdsStyle(
          new GraphThresholdsStyleConfigBuilder().mode(
            spec.bad ? GraphThresholdsStyleMode.Line : GraphThresholdsStyleMode.Off,
          ),
        ),
  };
}

/** The latest value of one expression, large. */
export function stat(spec: PanelSpec): DashboardPanel {
  return {
    spec,
    build: (id) =>
      describe(new StatBuilder(), spec, id)
        .span(STAT_SIZE.width)
        .height(STAT_SIZE.height)
        .colorMode(spec.bad ? BigValueColorMode.Value : BigValueColorMode.None)
        .graphMode(BigValueGraphMode.Area)
        .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull'])),
  };
}

/** What both kinds of panels say alike. */
function describe<Kind extends ChartBuilder | StatBuilder>(builder: Kind, spec: PanelSpec, id: number): Kind {
  builder
    .id(id)
    .title(spec.title)
    .description(descriptionOf(spec))
    .unit(spec.unit)
    .datasource(DATASOURCE)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(thresholdsOf(spec.bad)));
  for (const [index, [expression, legend]] of spec.queries.entries()) {
    builder.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .datasource(DATASOURCE)
        .expr(expression)
        .legendFormat(legend)
        .range(),
    );
  }
  if (spec.runbook !== undefined) {
    builder.links([
      new DashboardLinkBuilder('Runbook')
        .type(DashboardLinkType.Link)
        .url(`$runbooks/${spec.runbook}.md`)
        .targetBlank(true),
    ]);
  }
  return builder;
}

/** In Markdown, as Grafana and our own page show it. */
function descriptionOf({ tells, good, requires }: PanelSpec): string {
  const parts = [
    tells,
    `**Good:** ${good}`,
    ...(requires === undefined ? [] : [`**Requires:** ${requires}.`]),
  ];
  return parts.join('\n\n');
}

/** The first step has no lower end, which JSON writes as null. */
function thresholdsOf(bad: PanelSpec['bad']): Threshold[] {
  if (bad === undefined) return [{ value: null, color: 'green' }];
  return 'above' in bad
    ? [
        { value: null, color: 'green' },
        { value: bad.above, color: 'red' },
      ]
    : [
        { value: null, color: 'red' },
        { value: bad.below, color: 'green' },
      ];
}
