// The spans of what a call asks Redis, the cache and the people's tables: where we go in, not what the drivers do.
import { SpanKind } from '@opentelemetry/api';
import type { AdmissionControl } from '../../admission/index.ts';
import type { Cache, CacheWriter } from '../../cache/index.ts';
import type { People } from '../../db/people/index.ts';
import type { Spans } from './spans.ts';

const REDIS = { attributes: { 'db.system.name': 'redis' } };
const POSTGRES = { attributes: { 'db.system.name': 'postgresql' } };

/** Gives doors their spans; each stays what it is otherwise. */
export function doorTracers(spans: Spans) {
  const cacheWriter = <Writer extends CacheWriter>(writer: Writer): Writer => ({
    ...writer,
    setTombstones: (versions) => spans.child('cache.tombstones', REDIS, () => writer.setTombstones(versions)),
    withInvalidation: (refs, work) =>
      spans.child('cache.invalidation', REDIS, () => writer.withInvalidation(refs, work)),
  });
  return {
    admission: (admission: AdmissionControl): AdmissionControl => ({
      ...admission,
      admit: (request) => spans.child('admission.admit', REDIS, () => admission.admit(request)),
    }),
    cacheWriter,
    // A miss asks Postgres within the read.
    cache: (cache: Cache): Cache => ({
      ...cacheWriter(cache),
      read: (kind, id, load) => {
        const about = { kind: SpanKind.INTERNAL, attributes: { 'ppuri.cache.kind': kind.name } };
        return spans.child('cache.read', about, () => cache.read(kind, id, load));
      },
    }),
    people: (people: People): People => ({
      ...people,
      users: eachMethod(spans, 'users', people.users),
      rooms: eachMethod(spans, 'rooms', people.rooms),
    }),
  };
}

/** All methods are asynchronous; a span is named after the method, and tells nothing of what it is given. */
function eachMethod<T extends object>(spans: Spans, name: string, target: T): T {
  const methods = Object.entries(target).map(([method, call]) => [
    method,
    (...given: unknown[]) => spans.child(`${name}.${method}`, POSTGRES, () => call(...given)),
  ]);
  return { ...target, ...Object.fromEntries(methods) };
}
