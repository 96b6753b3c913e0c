// The deployed rules and routes, so much faster that a fault is seen to alert and to be over within seconds.
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROMETHEUS_FOLDER } from './rules.ts';

/**
 * By what every `for:`, every range, every age in seconds (`time() - … > 300`) and every time of Alertmanager is divided.
 * Other thresholds stay as they are, and so does what the product itself waits for.
 */
const SCALE = 20;
/** Prometheus scrapes and evaluates each second. */
export const INTERVAL_SECONDS = 1;
/** A rate needs two samples, and a scrape may be late. */
const LEAST_RANGE_S = 4;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const ALERTMANAGER = join(PROMETHEUS_FOLDER, '../alertmanager/alertmanager.yml');

const faster = (count: string, unit: string, leastS: number) =>
  `${Math.max(leastS, Math.round((Number(count) * (UNITS[unit] ?? 1)) / SCALE))}s`;

/** Limits of alerts in the place of the deployed ones, by the alert's name. Of several in an alert the first is meant. */
export type Limits = Readonly<Record<string, number>>;

/** Writes a folder like deploy/observability/prometheus, with faster rules. */
export function writeFasterRules(folder: string, limits: Limits = {}): void {
  const left = new Set(Object.keys(limits));
  cpSync(PROMETHEUS_FOLDER, folder, { recursive: true });
  for (const file of globSync('rules/*.yml', { cwd: folder })) {
    const text = readFileSync(join(folder, file), 'utf8')
      .replaceAll(/\[(\d+)([smhd])\]/g, (_, count, unit) => `[${faster(count, unit, LEAST_RANGE_S)}]`)
      .replaceAll(
        /\bfor: (\d+)([smhd])\b/g,
        (_, count, unit) => `for: ${faster(count, unit, INTERVAL_SECONDS)}`,
      )
      .replaceAll(/(\btime\(\) - \w+ > )(\d+)/g, (_, age, seconds) => `${age}${Number(seconds) / SCALE}`);
    const limited = Object.entries(limits).reduce((rules, [alert, limit]) => {
      const expression = new RegExp(`(- alert: ${alert}\\n +expr: [^>\\n]*> )[\\d.*e ]*\\d`);
      if (expression.test(rules)) left.delete(alert);
      return rules.replace(expression, `$1${limit}`);
    }, text);
    writeFileSync(join(folder, file), limited);
  }
  if (left.size > 0) throw new Error(`no rule has a limit for ${[...left].join()}`);
}

/** Writes an alertmanager.yml with the deployed routes, which tells within a second; returns its path. */
export function writeFasterRoutes(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'alertmanager.yml');
  const text = readFileSync(ALERTMANAGER, 'utf8').replaceAll(
    /\b(group_wait|group_interval): \w+/g,
    (_, name) => `${name}: ${INTERVAL_SECONDS}s`,
  );
  writeFileSync(file, text);
  return file;
}
