// Reads settings one by one and gathers what is wrong with them, so that all of it can be said at once.
import { readFileSync } from 'node:fs';
import type { ServerTls } from '../grpc/index.ts';
import { readNetworks } from '../keys/networks.ts';
import type { SealingKeys } from '../keys/seal.ts';

/** A set of variables. What is missing or wrong is noted in `faults`, and a stand-in is returned. */
export class EnvReader {
  readonly #env: NodeJS.ProcessEnv;
  readonly faults: string[] = [];

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  text(name: string, fallback?: string): string {
    const value = this.#env[name] || fallback;
    if (value === undefined) this.faults.push(`${name} is required`);
    return value ?? '';
  }

  /** The value itself is not repeated: it may hold a password. */
  url(name: string, protocols: readonly string[]): string {
    const value = this.text(name);
    if (value && !(URL.canParse(value) && protocols.includes(new URL(value).protocol))) {
      this.faults.push(
        `${name} must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
      );
    }
    return value;
  }

  optionalUrl(name: string, protocols: readonly string[]): string | undefined {
    return this.#env[name] ? this.url(name, protocols) : undefined;
  }

  whole(name: string, fallback: number, min: number, max: number): number {
    const value = this.#env[name] || String(fallback);
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      this.faults.push(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
    }
    return number;
  }

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const value = this.#env[name] || fallback;
    const chosen = choices.find((known) => known === value);
    if (chosen === undefined)
      this.faults.push(`${name} must be one of ${choices.join(', ')}, not "${value}"`);
    return chosen ?? fallback;
  }

  secret(name: string): string {
    const value = this.text(name);
    if (value && value.length < 16) this.faults.push(`${name} must have at least 16 characters`);
    return value;
  }

  /** `ID:KEY,ID:KEY`, each key 32 bytes in base64. */
  sealingKeys(name: string): SealingKeys {
    const keys = this.text(name)
      .split(',')
      .map((part) => {
        const [id = '', encoded = ''] = part.trim().split(':');
        return { id, key: Buffer.from(encoded, 'base64') };
      });
    const [first, ...rest] = keys;
    const isGood = keys.every(({ id, key }) => /^[\w-]{1,32}$/.test(id) && key.length === 32);
    if (first && isGood) return [first, ...rest];
    this.faults.push(
      `${name} must be ID:KEY, the key being 32 bytes in base64; several are divided by commas`,
    );
    return [{ id: '', key: Buffer.alloc(32) }];
  }

  /** CIDR blocks divided by commas. */
  networks(name: string): string[] {
    const blocks = (this.#env[name] ?? '')
      .split(',')
      .map((block) => block.trim())
      .filter((block) => block !== '');
    try {
      readNetworks(blocks, name);
    } catch {
      this.faults.push(`${name} must be CIDR blocks divided by commas, such as 10.0.0.0/8,2001:db8::/32`);
    }
    return blocks;
  }

  /** The files that three variables name: a certificate and its key, both or none, and maybe an authority for clients. */
  tls(certName: string, keyName: string, clientCaName: string): ServerTls | undefined {
    const [cert, key, clientCa] = [certName, keyName, clientCaName].map((name) => this.#file(name));
    if (cert && key) return { cert, key, clientCa };
    if (cert || key || clientCa) this.faults.push(`${certName} and ${keyName} go together`);
    return undefined;
  }

  #file(name: string): Buffer | undefined {
    const path = this.#env[name];
    if (!path) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      this.faults.push(`${name} cannot be read: ${(error as Error).message}`);
      return undefined;
    }
  }
}
