// What an expression of Prometheus asks for, read by Prometheus' own grammar.
import { parser } from '@prometheus-io/lezer-promql';

/** A selector of an expression: the metric and the labels that it compares. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** What an expression names. */
export interface Expression {
  readonly selectors: readonly Selector[];
  /** Labels that it groups or joins by, in `by`, `without`, `on`, `ignoring` and `group_left`. */
  readonly groupedBy: readonly string[];
}

/** Parses an expression, in which Grafana's variables may stand. Throws an Error that shows the place of a syntax error. */
export function parseExpression(expression: string): Expression {
  // A variable in the place of a duration is no syntax of Prometheus; within quotes it is.
  const text = expression.replaceAll(/\$__(?:rate_interval|interval|range)/g, '5m');
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupedBy: string[] = [];
  let isGrouping = false;
  parser.parse(text).iterate({
    enter: ({ name, type, from, to }) => {
      const word = text.slice(from, to);
      if (type.isError) throw new Error(`no expression from here on: ${text.slice(from)} (of ${text})`);
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      if (name === 'GroupingLabels') isGrouping = true;
      const selector = selectors.at(-1);
      if (name === 'Identifier' && selector) selector.metric = word;
      if (name === 'LabelName' && isGrouping) groupedBy.push(word);
      if (name === 'LabelName' && !isGrouping) selector?.labels.push(word);
    },
    leave: ({ name }) => {
      if (name === 'GroupingLabels') isGrouping = false;
    },
  });
  return { selectors, groupedBy };
}

/** The metrics that an expression names, each once. */
export function metricsOf(expression: string): ReadonlySet<string> {
  return new Set(parseExpression(expression).selectors.map(({ metric }) => metric));
}

/** A number that an expression holds metrics against. */
export interface Comparison {
  readonly metrics: ReadonlySet<string>;
  readonly operator: '>' | '<';
  readonly limit: number;
}

/** The comparisons by `>` and `<` of an expression with numbers, which may be products. */
export function comparisonsOf(expression: string): readonly Comparison[] {
  const found: Comparison[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, node }) => {
      const operator = name === 'BinaryExpr' && (node.getChild('Gtr') ? '>' : node.getChild('Lss') && '<');
      const [left, right] = [node.firstChild, node.lastChild];
      if (!operator || !left || !right) return;
      const factors = expression.slice(right.from, right.to).split('*').map(Number);
      const limit = factors.reduce((product, factor) => product * factor, 1);
      const metrics = metricsOf(expression.slice(left.from, left.to));
      if (!Number.isNaN(limit)) found.push({ metrics, operator, limit });
    },
  });
  return found;
}

/** `x_seconds`, the histogram, of its series `x_seconds_bucket`, `x_seconds_sum` and `x_seconds_count`. */
export function familyOf(metric: string): string {
  return metric.replace(/_(?:bucket|sum|count)$/, '');
}
