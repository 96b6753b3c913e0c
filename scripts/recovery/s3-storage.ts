// Backups in S3-compatible storage. Uploads go in parts of bounded memory, each under the SHA-256 that its signature covers.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../cli/program.ts';
import { encodeS3, type S3Credentials, signS3 } from './s3-signature.ts';
import { ABANDONED_AFTER_MS, type Content, type Storage, type StoredObject } from './storage.ts';

/** A part is at least 5 MB, and an upload has 10,000 parts at most (Amazon S3 User Guide, "Multipart upload limits"). */
const FIRST_PART_BYTES = 8 << 20;
/** After each of so many parts they double, so that 10,000 parts hold more than an object may (5 TB). */
const PARTS_OF_A_SIZE = 1_000;
const MOST_PART_BYTES = 512 << 20;
/** Where the storage cannot be reached. */
const ATTEMPTS = 5;
/** Where it answers that it is busy: of a storage that refuses every second request 1 of 1,000 fails so often. */
const BUSY_ATTEMPTS = 10;
const RETRY_MS = 200;
const MOST_RETRY_MS = 10_000;
const TIMEOUT_MS = 120_000;

interface Bucket {
  /** Sends a signed request, again where the storage is busy or away; throws a SetupError for a refusal. */
  send(
    method: string,
    key: string,
    query: Record<string, string>,
    body?: Uint8Array,
    headers?: Record<string, string>,
  ): Promise<Response>;
  readonly prefix: string;
  readonly url: string;
}

/** The storage of `s3://bucket/prefix?endpoint=URL&region=NAME`. Without an endpoint it is Amazon's of the region. */
export function s3Storage(url: URL, env: NodeJS.ProcessEnv): Storage {
  const bucket = bucketOf(url, env);
  const keyOf = (key: string) => `${bucket.prefix}${key}`;
  return {
    url: bucket.url,
    list: async (prefix) =>
      (await listAll(bucket, keyOf(prefix))).map((object) => ({
        ...object,
        key: object.key.slice(bucket.prefix.length),
      })),
    read: async (key) => piecesOf(bucket, keyOf(key), await bucket.send('GET', keyOf(key), {})),
    write: (key, content) => upload(bucket, keyOf(key), content),
    // What S3 lists is stored.
    sync: async () => {},
    remove: async (keys) => {
      for (const key of keys) await bucket.send('DELETE', keyOf(key), {});
    },
    removeAbandoned: () => abortOld(bucket),
  };
}

/** The content of an answer. Where it breaks off, the rest is asked for: a backup of hours meets a broken connection. */
async function* piecesOf(bucket: Bucket, key: string, first: Response): Content {
  const etag = first.headers.get('etag') ?? '';
  let answer = first;
  let bytes = 0;
  for (let breaks = 0; ; ) {
    try {
      for await (const piece of answer.body ?? []) {
        bytes += piece.length;
        breaks = 0;
        yield piece;
      }
      return;
    } catch (error) {
      breaks += 1;
      if (breaks === ATTEMPTS)
        throw new SetupError(`${bucket.url}: ${key} breaks off after ${bytes} bytes (${causeOf(error)})`);
      await sleep(waitMs(breaks));
      const rest: Record<string, string> =
        bytes > 0 ? { range: `bytes=${bytes}-`, ...(etag && { 'if-match': etag }) } : {};
      answer = await bucket.send('GET', key, {}, undefined, rest);
      if (bytes > 0 && answer.status !== 206)
        throw new SetupError(`${bucket.url}: ${key} breaks off, and the storage has no parts of it`);
    }
  }
}

function bucketOf(url: URL, env: NodeJS.ProcessEnv): Bucket {
  const region = url.searchParams.get('region') ?? env.AWS_REGION ?? 'us-east-1';
  const endpoint = url.searchParams.get('endpoint');
  const credentials: S3Credentials = {
    accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    sessionToken: env.AWS_SESSION_TOKEN ?? '',
  };
  if (!credentials.accessKeyId || !credentials.secretAccessKey)
    throw new SetupError('S3 storage needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const base = endpoint
    ? `${endpoint.replace(/\/$/, '')}/${url.host}`
    : `https://${url.host}.s3.${region}.amazonaws.com`;
  const path = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, '');
  const name = `s3://${url.host}${path && `/${path}`}`;
  return {
    url: name,
    prefix: path && `${path}/`,
    send: async (method, key, query, body = new Uint8Array(), headers = {}) => {
      const target = new URL(`${base}/${key.split('/').map(encodeS3).join('/')}`);
      for (const [field, value] of Object.entries(query)) target.searchParams.set(field, value);
      const request = { method, url: target, body, headers };
      const answer = await attempt(request, credentials, region, `${name}: ${method} ${key}`);
      if (answer.ok || (method === 'DELETE' && answer.status === 404)) return answer;
      const code = /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1] ?? `status ${answer.status}`;
      throw new SetupError(`${name}: cannot ${method} ${key}: ${code}`);
    },
  };
}

async function attempt(
  request: { method: string; url: URL; body: Uint8Array; headers: Record<string, string> },
  credentials: S3Credentials,
  region: string,
  what: string,
): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const outcome = await sendOnce(request, signS3(request, credentials, region, new Date())).catch(
      (error: Error) => error,
    );
    const isAway = outcome instanceof Error;
    if (!isAway && outcome.status < 500 && outcome.status !== 429) return outcome;
    if (isAway && tries === ATTEMPTS)
      throw new SetupError(`${what}: the storage cannot be reached (${causeOf(outcome)})`);
    if (!isAway) {
      if (tries === BUSY_ATTEMPTS) return outcome;
      await outcome.body?.cancel();
    }
    await sleep(waitMs(tries));
  }
}

const waitMs = (tries: number) => Math.min(RETRY_MS * 2 ** tries, MOST_RETRY_MS);

/** Why a request or an answer broke off: undici has the reason in the cause. */
function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
}

async function sendOnce(
  {
    method,
    url,
    body,
    headers,
  }: { method: string; url: URL; body: Uint8Array; headers: Record<string, string> },
  signed: Record<string, string>,
): Promise<Response> {
  // Until the answer begins. Its content may take hours; fetch gives up one that stands still for five minutes.
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
    TIMEOUT_MS,
  );
  try {
    return await fetch(url, {
      method,
      headers: { ...headers, ...signed },
      // A body of zero bytes may stay away, so that GET has none.
      body: body.length > 0 || method === 'PUT' ? Buffer.from(body) : null,
      signal: late.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function listAll(bucket: Bucket, prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for (let token = ''; ; ) {
    const query = { 'list-type': '2', prefix, ...(token && { 'continuation-token': token }) };
    const page = await (await bucket.send('GET', '', query)).text();
    for (const [, entry = ''] of page.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g))
      found.push({
        key: textOf(entry, 'Key'),
        bytes: Number(textOf(entry, 'Size')),
        storedAt: Date.parse(textOf(entry, 'LastModified')),
      });
    token = textOf(page, 'NextContinuationToken');
    if (!token) return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** The text of the first element with this name; empty where there is none. */
function textOf(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => named[entity] ?? '');
}

/**
 * Uploads content of unknown length: in one request where it fits into one part. A part waits in memory until it is full. Each has
 * its MD5, without which Amazon S3 refuses what an object lock will keep (API reference, PutObject and UploadPart, Content-MD5).
 */
async function upload(bucket: Bucket, key: string, content: Content): Promise<void> {
  let id = '';
  const etags: string[] = [];
  try {
    for await (const { part, isLast } of partsOf(content)) {
      const digest = md5Of(part);
      if (isLast && etags.length === 0) {
        await bucket.send('PUT', key, {}, part, digest);
        return;
      }
      id ||= textOf(await (await bucket.send('POST', key, { uploads: '' })).text(), 'UploadId');
      const number = String(etags.length + 1);
      const answer = await bucket.send('PUT', key, { partNumber: number, uploadId: id }, part, digest);
      etags.push(answer.headers.get('etag') ?? '');
    }
    const parts = etags.map(
      (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const answer = await (await bucket.send('POST', key, { uploadId: id }, body)).text();
    // This request alone may fail with status 200 (API reference, CompleteMultipartUpload).
    if (answer.includes('<Error>'))
      throw new SetupError(`${bucket.url}: cannot complete ${key}: ${textOf(answer, 'Code')}`);
  } catch (error) {
    if (id) await bucket.send('DELETE', key, { uploadId: id }).catch(() => {});
    throw error;
  }
}

function md5Of(body: Uint8Array): Record<string, string> {
  return { 'content-md5': createHash('md5').update(body).digest('base64') };
}

async function* partsOf(content: Content): AsyncGenerator<{ part: Uint8Array; isLast: boolean }> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  let parts = 0;
  for await (const piece of content) {
    const size = Math.min(FIRST_PART_BYTES * 2 ** Math.floor(parts / PARTS_OF_A_SIZE), MOST_PART_BYTES);
    if (bytes >= size) {
      yield { part: Buffer.concat(held), isLast: false };
      parts++;
      held = [];
      bytes = 0;
    }
    held.push(piece);
    bytes += piece.length;
  }
  yield { part: Buffer.concat(held), isLast: true };
}

async function abortOld(bucket: Bucket): Promise<void> {
  const page = await (await bucket.send('GET', '', { uploads: '', prefix: bucket.prefix })).text();
  for (const [, entry = ''] of page.matchAll(/<Upload>([\s\S]*?)<\/Upload>/g)) {
    if (Date.parse(textOf(entry, 'Initiated')) > Date.now() - ABANDONED_AFTER_MS) continue;
    await bucket.send('DELETE', textOf(entry, 'Key'), { uploadId: textOf(entry, 'UploadId') });
  }
}

/** Creates the bucket of a storage; it is no error where it is there. */
export async function createBucket(url: string, env: NodeJS.ProcessEnv): Promise<void> {
  await bucketOf(new URL(url), env).send('PUT', '', {});
}
