// Makes one attempt: a POST that ends within ten seconds, follows nothing, and reads little.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { CLOUD_EVENT_TYPE } from '../domain/cloud-event.ts';
import {
  type AddressRules,
  createResolver,
  hostOf,
  publicLookup,
  type Resolve,
  resolveAllowed,
} from './addresses.ts';

/** How an attempt ended. */
export interface SendResult {
  /** 0 where there was no answer. */
  readonly status: number;
  /** Empty where the receiver took it; otherwise a code, or the beginning of its answer. */
  readonly error: string;
  /** How long the receiver asked to wait, in milliseconds; 0 where it did not. */
  readonly retryAfterMs: number;
}

/** Sends messages; connections are kept for the next ones. */
export interface Sender extends Disposable {
  /** POSTs a JSON body. Never rejects. */
  send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<SendResult>;
}

/** What tests set otherwise. */
export interface SenderOptions extends AddressRules {
  readonly resolve?: Resolve;
  /** Certificate authorities in PEM, instead of the system's. */
  readonly ca?: string;
  /** How long an attempt may take, in milliseconds; 10 s when left out. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** How much of an answer is read at most, in bytes. */
const MOST_READ = 4_096;
/** How much of an answer that is an error is kept, in characters. */
const MOST_KEPT = 200;
const USER_AGENT = 'ppuri-webhooks';

/** Creates a sender. */
export function createSender({ allowsLoopback, resolve, ca, timeoutMs = TIMEOUT_MS }: SenderOptions): Sender {
  const rules = { allowsLoopback };
  const resolver = resolve ?? createResolver();
  // Each webhook has few requests under way; one of a slow receiver takes no connection from others of the same host.
  const options = { keepAlive: true, lookup: publicLookup(rules, resolver) };
  const http = new HttpAgent(options);
  // Certificates are verified whatever NODE_TLS_REJECT_UNAUTHORIZED says.
  const https = new HttpsAgent({ ...options, rejectUnauthorized: true, ...(ca !== undefined && { ca }) });

  const attempt = async (
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendResult> => {
    // Nothing is resolved for a host that is an address already.
    const host = hostOf(url);
    if (isIP(host) !== 0) await resolveAllowed(host, rules, resolver);
    const answer = await post(url, headers, body, signal, url.protocol === 'https:' ? https : http);
    const status = answer.statusCode ?? 0;
    const isTaken = status >= 200 && status < 300;
    // An answer that trickles or breaks off has said by its status what became of the event.
    const text = await readSome(answer).catch(() => '');
    const error = isTaken
      ? ''
      : status >= 300 && status < 400
        ? 'REDIRECT_NOT_FOLLOWED'
        : text || `HTTP_${status}`;
    return { status, error, retryAfterMs: retryAfterOf(answer) };
  };

  return {
    async send(url, headers, body) {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        return await attempt(new URL(url), headers, body, signal);
      } catch (error) {
        return { status: 0, error: signal.aborted ? 'TIMED_OUT' : codeOf(error), retryAfterMs: 0 };
      }
    },
    [Symbol.dispose]: () => {
      http.destroy();
      https.destroy();
    },
  };
}

function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
  agent: HttpAgent | HttpsAgent,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        signal,
        headers: {
          ...headers,
          'content-type': CLOUD_EVENT_TYPE,
          'content-length': Buffer.byteLength(body),
          'user-agent': USER_AGENT,
        },
      },
      resolve,
    );
    let isSentAgain = false;
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The receiver has closed a connection that was kept, just as it was used again: that says nothing of the event.
      isSentAgain = sent.reusedSocket && error.code === 'ECONNRESET';
      if (isSentAgain) post(url, headers, body, signal, agent).then(resolve, reject);
      else reject(error);
    });
    // A switch of protocols (101) ends a request with neither an answer nor an error, and no signal ends it any more.
    sent.on('close', () => {
      if (!isSentAgain) reject(new Error('closed without an answer'));
    });
    sent.end(body);
  });
}

/** The beginning of an answer, printable characters only; the connection of a longer one is closed. */
async function readSome(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop destroys the connection.
    if (bytes > MOST_READ) break;
  }
  const text = Buffer.concat(chunks).subarray(0, MOST_READ).toString('utf8');
  return (
    text
      .replaceAll(/[^\P{C}]+/gu, ' ')
      .trim()
      .slice(0, MOST_KEPT)
      // Half of an emoji at the end is no text for Postgres, which would refuse all that is recorded with it.
      .toWellFormed()
  );
}

/** `Retry-After` in seconds (RFC 9110, section 10.2.3); a date is not heeded. */
function retryAfterOf(answer: IncomingMessage): number {
  const value = answer.headers['retry-after'] ?? '';
  return /^\d{1,7}$/.test(value) ? Number(value) * 1000 : 0;
}

const CODE = /^[A-Z][A-Z0-9_]{1,60}$/;

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && CODE.test(code) ? code : 'NOT_SENT';
}
