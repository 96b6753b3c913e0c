// A browser without a window or scripts: it keeps the cookie, and sends the forms that pages have.
import { request } from 'node:http';

/** An answer of the page. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The path of a redirect; empty where it is none. */
  readonly location: string;
}

/** What a request has besides its path. */
export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** The address of ours that the connection comes from. */
  readonly from?: string;
}

/** Speaks to one ops port. */
export class PlainBrowser {
  readonly #port: number;
  cookie = '';

  constructor(port: number) {
    this.#port = port;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** One request, with our cookie unless another is given. */
  ask(path: string, { method = 'GET', headers = {}, body, from = '127.0.0.1' }: Ask = {}): Promise<Answer> {
    const cookie = this.cookie === '' ? {} : { cookie: this.cookie };
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...{ host: '127.0.0.1', port: this.#port, path, method, localAddress: from, agent: false },
          headers: { ...cookie, ...headers },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () => {
            const [set] = incoming.headers['set-cookie'] ?? [];
            if (set !== undefined) this.cookie = set.includes('Max-Age=0') ? '' : (set.split(';')[0] ?? '');
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              text: Buffer.concat(chunks).toString(),
              location: incoming.headers.location ?? '',
            });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** Sends a form as a page of ours does. */
  post(path: string, fields: Readonly<Record<string, string>>, ask: Ask = {}): Promise<Answer> {
    const origin = `http://${this.host}`;
    return this.ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      ...ask,
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin, ...ask.headers },
    });
  }

  /** Signs in. */
  signIn(keyId: string, secret: string, ask: Ask = {}): Promise<Answer> {
    return this.post('/operator/sign-in', { key_id: keyId, secret }, ask);
  }

  /** The hidden fields of the last form of a page that goes to a path. */
  async fieldsOf(path: string): Promise<Record<string, string>> {
    const { text } = await this.ask(path);
    const [, form = ''] = text.split(`<form action="${path.split('?')[0]}"`);
    const fields = [...form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)];
    return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
  }
}

/** The secret of a key of a test, as its owner has it. */
export function secretOf({ secret }: { readonly secret: Uint8Array }): string {
  return Buffer.from(secret).toString();
}
