// The rules of deploy/observability/prometheus and their unit tests, as read from their files.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The folder that is deployed. */
export const PROMETHEUS_FOLDER = join(import.meta.dirname, '../../../deploy/observability/prometheus');

/** A rule: an alert, or a recording rule. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An alert, which has labels and annotations. */
export type Alert = Required<Pick<Rule, 'alert' | 'expr' | 'labels' | 'annotations'>> & Pick<Rule, 'for'>;

/** What an alert has to do at a time of a unit test. */
export interface RuleTest {
  readonly alertname: string;
  readonly eval_time: string;
  readonly exp_alerts: readonly object[];
}

const read = (folder: string) =>
  readdirSync(join(PROMETHEUS_FOLDER, folder)).map((file) =>
    parse(readFileSync(join(PROMETHEUS_FOLDER, folder, file), 'utf8')),
  );

/** Every rule of every file. */
export const RULES: readonly Rule[] = read('rules').flatMap(({ groups }) =>
  groups.flatMap(({ rules }: { rules: readonly Rule[] }) => rules),
);

/** Every alert. */
export const ALERTS: readonly Alert[] = RULES.flatMap(({ alert, labels = {}, annotations = {}, ...rule }) =>
  alert === undefined ? [] : [{ ...rule, alert, labels, annotations }],
);

/** Every unit test of promtool. */
export const UNIT_TESTS: readonly { readonly alert_rule_test: readonly RuleTest[] }[] = read('tests').flatMap(
  ({ tests }) => tests,
);
