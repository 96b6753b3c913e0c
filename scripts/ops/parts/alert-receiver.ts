// Receives what Alertmanager sends to a webhook, in the place of a pager.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { HOST } from '../../dev/ports.ts';

/** An alert as Alertmanager's webhook has it (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config). */
export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The path of the receiver: `/page`. */
  readonly receiver: string;
}

/** A running receiver. */
export interface AlertReceiver extends AsyncDisposable {
  readonly url: string;
}

/** Starts a receiver on a free port; `onAlert` gets each alert. */
export async function startAlertReceiver(onAlert: (alert: NotifiedAlert) => void): Promise<AlertReceiver> {
  const server = createServer(async (request, response) => {
    try {
      const { alerts } = JSON.parse(await text(request)) as { alerts: Omit<NotifiedAlert, 'receiver'>[] };
      for (const alert of alerts) onAlert({ ...alert, receiver: request.url ?? '/' });
      response.end();
    } catch {
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, HOST, listening));
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
