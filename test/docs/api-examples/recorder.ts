// Records real calls over REST as the examples of the API reference, without what differs from run to run.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { JsonValue } from '@bufbuild/protobuf';
import { CONTRACTS } from '../../../src/grpc/contracts.ts';
import type { ApiClient, Identity, Json } from '../../api-client.ts';

/** One call and its answer, as docs/api/examples.json has them. */
export interface Example {
  readonly identity: Identity;
  readonly request: Json;
  /** The messages of a stream; otherwise the one answer. */
  readonly answers: readonly Json[];
}

/** The examples of an RPC: one that was done, and one for each reason that it was refused for. */
export interface Examples {
  done?: Example;
  readonly refused: Record<string, Example>;
}

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g;
/** Of version 7: those of transfers, which sort by time. */
const IN_TIME = '7';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
/** The moment of the first recorded time. */
const BEGIN_MS = Date.UTC(2026, 0, 5, 0, 30);
/** The next midnight in Seoul, in the place of the one of the run. */
const RESETS_AT = '2026-01-05T15:00:00Z';
/** How long a sprinkle can be claimed, a gift accepted and a hold captured: times that are a fixed while after another one. */
const LIFETIMES_MS = [600_000, 3 * 24 * 60 * 60_000, 7 * 24 * 60 * 60_000];
/** Fields of 32 bytes that are drawn at random, or follow from what is. */
const BYTES = ['commitment', 'seed', 'link'];
/** Fields that carry shares of sprinkles, which are drawn at random. */
const MONEY = ['amount', 'claimed_amount', 'minor_units', 'balance', 'balance_after'];

/** Makes calls and keeps those that are examples. */
export class Recorder {
  readonly #client: ApiClient;
  readonly #examples = new Map<string, Examples>();
  readonly #shares = new Set<string>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Makes a call that has to be done, without keeping it. */
  async call(rpc: string, request: Json, identity: Identity): Promise<Json> {
    const answer = await this.#client.call(rpc, request, identity);
    assert.equal(answer.status, 0, `${rpc}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Makes a call that has to be done, and keeps it as the example of its RPC. */
  async done(rpc: string, request: Json, identity: Identity): Promise<Json> {
    const answer = await this.call(rpc, request, identity);
    this.keep(rpc, request, identity, [answer]);
    return answer;
  }

  /** Keeps a call that was made elsewhere, such as a stream with its messages. */
  keep(rpc: string, request: Json, identity: Identity, answers: readonly Json[]): void {
    assert.equal(this.#of(rpc).done, undefined, `${rpc} has an example already`);
    this.#of(rpc).done = { identity, request, answers };
  }

  /** Makes a call that has to be refused for a reason, and keeps it. */
  async refused(reason: string, rpc: string, request: Json, identity: Identity): Promise<void> {
    const answer = await this.#client.call(rpc, request, identity);
    assert.equal(answer.reason, reason, `${rpc}: ${JSON.stringify(answer.body)}`);
    this.#of(rpc).refused[reason] = { identity, request, answers: [answer.body] };
  }

  /** Says that an amount was drawn at random. Those who asked for it have no other amount below 10,000 in their answers. */
  hideShare(share: JsonValue | undefined): void {
    this.#shares.add(String(share));
  }

  /** The examples by RPC, in the order of the contracts, the same in every run. */
  examples(): Record<string, Examples> {
    const rpcs = [...CONTRACTS.keys()].map((path) => path.slice(1));
    const recorded = rpcs.flatMap((rpc) => {
      const examples = this.#examples.get(rpc);
      return examples ? [[rpc, this.#withoutShares(rpc, examples)] as const] : [];
    });
    return normalizer(Object.fromEntries(recorded) as unknown as Json) as unknown as Record<string, Examples>;
  }

  /** The examples of a call of sprinkles with one share in the place of all. */
  #withoutShares(rpc: string, { done, refused }: Examples): Examples {
    if (!done || !rpc.includes('.SprinkleService/')) return { ...(done && { done }), refused };
    const answers = JSON.parse(JSON.stringify(done.answers), (key, value) =>
      MONEY.includes(key) && this.#shares.has(value) ? '3140' : value,
    );
    return { done: { ...done, answers }, refused };
  }

  #of(rpc: string): Examples {
    const found = this.#examples.get(rpc) ?? { refused: {} };
    this.#examples.set(rpc, found);
    return found;
  }
}

/** Puts fixed values in the place of ids, times and tokens, each the same wherever it occurs. */
function normalizer(recorded: Json): JsonValue {
  const uuids = transferIdsIn(recorded);
  const tokens = new Map<string, string>();
  const pages = new Map<string, string>();
  const cursors = new Map<string, string>();
  const bytes = new Map<string, string>();
  const times = timesIn(recorded);
  const nth = (map: Map<string, string>, key: string, make: (n: number) => string) => {
    const known = map.get(key) ?? make(map.size + 1);
    map.set(key, known);
    return known;
  };
  const text = (key: string, value: string): string => {
    if (key === 'resets_at') return RESETS_AT;
    if (TIME.test(value)) return times.get(value) ?? value;
    if (value === '') return value;
    if (key === 'key_id') return 'key_9b2f4c1e7a5d083600c4a1f7';
    if (BYTES.includes(key)) return nth(bytes, value, bytesOf);
    if (key === 'secret') return 'whsec_3Q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=';
    if (key.endsWith('public_key')) return 'whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
    if (key === 'token') return nth(tokens, value, (n) => `k7${String.fromCharCode(64 + n)}`);
    if (key === 'page_token' || key === 'next_page_token') return nth(pages, value, pageToken);
    if (key === 'feed_epoch') return '7d1c04b95e2fa386';
    if (['cursor', 'after_cursor', 'next_cursor'].includes(key)) return nth(cursors, value, cursor);
    return value.replace(UUID, (id) => nth(uuids, id, randomId));
  };
  const walk = (value: JsonValue, key: string): JsonValue => {
    if (typeof value === 'string') return text(key, value);
    if (Array.isArray(value)) return value.map((item) => walk(item, key));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, item]) => [name, walk(item, name)] as const);
    // A map, whose order is nobody's promise.
    if (key === 'metadata') entries.sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(entries);
  };
  return walk(recorded, '');
}

const pageToken = (n: number) => Buffer.from(`the rest of list ${n}`).toString('base64url');

const cursor = (n: number) => Buffer.from(`place ${n} of the stream`).toString('base64url');
const bytesOf = (n: number) => hash('sha256', `bytes ${n}`, 'base64');

const lastDigits = (n: number) => n.toString(16).padStart(4, '0');
const randomId = (n: number) => `5f0c6d1e-8a24-4b7d-9e31-b61f08d4${lastDigits(n)}`;
const transferIdOf = (n: number) => `019b8b94-1f40-7000-8000-3c5a9e72${lastDigits(n)}`;

/** The ids of transfers, numbered in their order. */
function transferIdsIn(recorded: Json): Map<string, string> {
  const found = JSON.stringify(recorded).match(UUID) ?? [];
  const ids = [...new Set(found)].filter((id) => id.charAt(14) === IN_TIME).sort();
  return new Map(ids.map((id, index) => [id, transferIdOf(index + 1)]));
}

/** The recorded times in their order, a second apart. */
function timesIn(recorded: Json): Map<string, string> {
  const found = new Set<string>();
  JSON.stringify(recorded, (key, value) => {
    if (typeof value === 'string' && key !== 'resets_at' && TIME.test(value)) found.add(value);
    return value;
  });
  const microsOf = (time: string) => {
    const [whole = '', fraction = ''] = time.slice(0, -1).split('.');
    return Date.parse(`${whole}Z`) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
  };
  const sorted = [...found].sort((a, b) => microsOf(a) - microsOf(b));
  const shown = new Map<number, number>();
  for (const time of sorted) {
    const micros = microsOf(time);
    const lifetime = LIFETIMES_MS.find((ms) => shown.has(micros - ms * 1000));
    const begin = shown.get(micros - (lifetime ?? 0) * 1000);
    shown.set(micros, lifetime && begin ? begin + lifetime : BEGIN_MS + 1000 * shown.size);
  }
  return new Map(
    sorted.map((time) => [
      time,
      new Date(shown.get(microsOf(time)) ?? 0).toISOString().replace('.000Z', '.250731Z'),
    ]),
  );
}
