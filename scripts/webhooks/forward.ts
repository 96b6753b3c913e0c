// Forwards events to one receiver as a webhook would send them: signed, in their order, each until it is taken.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../clients/typescript/src/connection.ts';
import { createSender, drawWebhookKeys, signedHeaders, signerOf } from '../../src/webhooks/index.ts';
import { SetupError } from '../cli/program.ts';
import { toCloudEvent } from './cloud-event.ts';

/** How long a receiver that does not take an event is left alone, in milliseconds. */
const RETRY_MS = 2_000;

/** Where events are forwarded to. */
export interface Forward extends Disposable {
  /** Resolves once the event was taken, or the signal is aborted. */
  send(event: Json, signal: AbortSignal): Promise<void>;
}

/** Forwards events to a URL, signed with a secret that it draws and prints. Throws a SetupError for what is no URL. */
export function createForward(url: string): Forward {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new SetupError(`--forward takes a URL such as http://localhost:8080/hooks, not "${url}"`);
  const { secret } = drawWebhookKeys();
  const signers = [signerOf(secret)];
  const sender = createSender({ allowsLoopback: true });
  console.error(`events are signed with ${secret}`);
  return {
    async send(event, signal) {
      const body = JSON.stringify(toCloudEvent(event));
      while (!signal.aborted) {
        const headers = signedHeaders(String(event.event_id), Date.now(), body, signers);
        const { status, error } = await sender.send(url, headers, body);
        if (error === '') return;
        const what = status === 0 ? error : `${status} ${error}`;
        console.error(`  not taken: ${what}; again in ${RETRY_MS / 1000} s`);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    },
    [Symbol.dispose]: () => sender[Symbol.dispose](),
  };
}
