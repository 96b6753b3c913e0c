// The deployed alerts, twenty times as fast, over whatever a test runs: Prometheus, Alertmanager, and who is told.
import { join } from 'node:path';
import { findFree } from '../../../scripts/dev/ports.ts';
import { type NotifiedAlert, startAlertReceiver } from '../../../scripts/ops/parts/alert-receiver.ts';
import { startAlertmanager } from '../../../scripts/ops/parts/alertmanager.ts';
import { type Prometheus, startPrometheus, type TargetGroup } from '../../../scripts/ops/parts/prometheus.ts';
import { until } from '../../until.ts';
import { INTERVAL_SECONDS, type Limits, writeFasterRoutes, writeFasterRules } from './faster-rules.ts';

/** Long enough for a busy machine; on a quiet one an alert takes its `for:` and two seconds. */
export const NOTIFIED_WITHIN_MS = 90_000;

/** What runs, and what was told. */
export interface FastAlerts {
  readonly prometheus: Prometheus;
  /** Every alert that reached the receiver, in order. */
  readonly notified: readonly NotifiedAlert[];
  /** Waits until the receiver was told of the alert, after the first `since` notifications. */
  told(
    alert: string,
    status: NotifiedAlert['status'],
    since: number,
    labels?: Readonly<Record<string, string>>,
  ): Promise<unknown>;
}

/** A target of Prometheus. */
export function targetAt(url: string, labels?: Readonly<Record<string, string>>): TargetGroup {
  return { targets: [new URL(url).host], ...(labels && { labels }) };
}

/** Starts them, with targets by job, and with limits that differ from the deployed ones; `owner` stops them. */
export async function startFastAlerts(
  owner: AsyncDisposableStack,
  folder: string,
  targets: Readonly<Record<string, readonly TargetGroup[]>>,
  limits: Limits = {},
): Promise<FastAlerts> {
  const notified: NotifiedAlert[] = [];
  const receiver = owner.use(await startAlertReceiver((alert) => notified.push(alert)));
  const config = writeFasterRoutes(join(folder, 'routes'));
  const alertmanager = owner.use(await startAlertmanager({ folder, config, webhookUrl: receiver.url }));
  const configFolder = join(folder, 'rules');
  writeFasterRules(configFolder, limits);
  const [port = 0] = await findFree(1);
  const prometheus = owner.use(
    await startPrometheus({
      ...{ folder, port, configFolder },
      intervalSeconds: INTERVAL_SECONDS,
      targets: {
        ...targets,
        alertmanager: [targetAt(alertmanager.url)],
        prometheus: [targetAt(`http://127.0.0.1:${port}`)],
      },
    }),
  );
  return {
    prometheus,
    notified,
    told: (alert, status, since, labels = {}) =>
      until(
        `${alert} is ${status}`,
        () =>
          notified
            .slice(since)
            .some(
              (one) =>
                one.labels.alertname === alert &&
                one.status === status &&
                Object.entries(labels).every(([name, value]) => one.labels[name] === value),
            ),
        NOTIFIED_WITHIN_MS,
      ),
  };
}
