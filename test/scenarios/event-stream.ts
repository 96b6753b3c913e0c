// Reads streams over REST as they come: lines of JSON, or server-sent events; and how streams are refused.
import assert from 'node:assert/strict';
import type { Json } from '../../clients/typescript/src/connection.ts';
import { RPCS, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { restCallOf } from '../../scripts/api-reference/rest-call.ts';
import { type Answer, type Identity, refused } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import type { Stack } from '../stack.ts';
import { until } from '../until.ts';

/** What a request for server-sent events says. */
export const EVENTS = { accept: 'text/event-stream' };

/** An open response, and its text so far. */
export async function openStream(
  { restUrl, key }: Pick<Stack, 'restUrl' | 'key'>,
  identity: Identity,
  target: string,
  headers: Record<string, string>,
) {
  const signed = signedHeaders({ method: 'GET', target, body: Buffer.alloc(0) }, identity, key);
  const leaving = new AbortController();
  const response = await fetch(`${restUrl}${target}`, {
    headers: { ...signed, ...headers },
    signal: leaving.signal,
  });
  const read = { text: '' };
  const reading = (async () => {
    for await (const chunk of response.body ?? []) read.text += Buffer.from(chunk).toString();
  })().catch(() => {});
  return {
    response,
    read,
    stop: async () => {
      leaving.abort();
      await reading;
    },
  };
}

/** The whole events of a text so far, as WHATWG HTML, section 9.2.6, reads them. */
export function eventsOf(text: string): { id: string; data: Json }[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const [id, data, ...more] = block.split('\n');
      assert.deepEqual([id?.slice(0, 4), data?.slice(0, 6), more], ['id: ', 'data: ', []]);
      return { id: id?.slice(4) ?? '', data: JSON.parse(data?.slice(6) ?? '') };
    });
}

/** A stream that is refused before its first message. */
export interface BadStream {
  readonly rpc: string;
  readonly request: Json;
  readonly user: Identity;
  readonly reason: string;
  readonly field: string;
}

/** Asserts that a stream is refused, and why, over gRPC and over REST, where its reader accepts lines or events. */
export async function expectRefusedStream(stack: Stack, bad: BadStream): Promise<void> {
  const { rpc, request, user, reason, field } = bad;
  const answers: Answer[] = [await stack.grpc.call(rpc, request, user)];
  if (!withoutEdge) {
    answers.push(await stack.rest.call(rpc, request, user));
    const { after_cursor, ...rest } = request;
    if (after_cursor !== undefined) {
      const events = await refusedEvents(stack, { ...bad, request: rest }, String(after_cursor));
      assert.deepEqual([events.reason, events.fields], [reason, [inEvents(field)]], 'over Last-Event-ID');
    }
    answers.push(await refusedEvents(stack, bad));
  }
  for (const { reason: why, fields } of answers) assert.deepEqual([why, fields], [reason, [field]], rpc);
}

/** A reader of events names its cursor in a header. */
const inEvents = (field: string) => (field === 'after_cursor' ? 'last-event-id' : field);

async function refusedEvents(stack: Stack, { rpc, request, user }: BadStream, lastEventId?: string) {
  const method = RPCS.get(rpc);
  const route = method && restRouteOf(method);
  assert.ok(route, rpc);
  const { path } = restCallOf(route, request);
  const last = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const { response, read, stop } = await openStream(stack, user, path, { ...EVENTS, ...last });
  assert.ok(response.status >= 400 && response.status < 500, `${rpc}: ${response.status}`);
  assert.equal(response.headers.get('content-type'), 'application/json', rpc);
  await until('the refusal is whole', () => read.text.endsWith('}'));
  await stop();
  return refused(rpc, JSON.parse(read.text));
}
