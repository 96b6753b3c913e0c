// Runs etcd from its deployed environment files: one member, or several that form a cluster, with or without TLS.
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findFree } from '../../../dev/ports.ts';
import { type Part, startPart } from '../part.ts';
import { deployedEnv } from './deployed.ts';

/** Certificates of every member and client, as PEM files: what they trust, and what they show. */
export interface EtcdTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** One member. */
export interface EtcdMember {
  /** `n1`. */
  readonly name: string;
  /** `http://127.0.0.1:2380`, which other members call. */
  readonly peerUrl: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again after it was killed; `more` are variables besides the deployed ones. */
  start(more?: Readonly<Record<string, string>>): Promise<void>;
  /** Removes its data. */
  empty(): void;
}

/** Members of one etcd cluster. */
export interface Etcd extends AsyncDisposable {
  /** Where clients reach the members: `127.0.0.1:2379`. */
  readonly addresses: readonly string[];
  readonly members: readonly EtcdMember[];
  readonly tls: EtcdTls | undefined;
}

/** Where it runs. */
export interface EtcdOptions {
  readonly command: string;
  readonly folder: string;
  readonly host: string;
  readonly count: number;
  readonly tls: EtcdTls | undefined;
}

/** Starts the members together, because the first ones wait for a majority. */
export async function startEtcd(options: EtcdOptions): Promise<Etcd> {
  const { host, count, tls } = options;
  const ports = await findFree(2 * count);
  const urlOf = (index: number) => `${tls ? 'https' : 'http'}://${host}:${ports[index]}`;
  const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  const initial = names.map((name, index) => `${name}=${urlOf(count + index)}`).join(',');
  const members = names.map(
    (name, index) =>
      new Member(options, { name, initial, clientUrl: urlOf(index), peerUrl: urlOf(count + index) }),
  );
  await using stack = new AsyncDisposableStack();
  for (const member of members) stack.defer(() => member.kill());
  await Promise.all(members.map((member) => member.start()));
  const owned = stack.move();
  return {
    addresses: members.map((_, index) => `${host}:${ports[index]}`),
    members,
    tls,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface MemberAddress {
  readonly name: string;
  /** The members that form a new cluster. */
  readonly initial: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
}

class Member implements EtcdMember {
  readonly #options: EtcdOptions;
  readonly #address: MemberAddress;
  #part: Part | undefined;

  constructor(options: EtcdOptions, address: MemberAddress) {
    this.#options = options;
    this.#address = address;
  }

  get name(): string {
    return this.#address.name;
  }
  get peerUrl(): string {
    return this.#address.peerUrl;
  }
  get #folder(): string {
    return join(this.#options.folder, this.name);
  }

  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { name, initial, clientUrl, peerUrl } = this.#address;
    const { command, tls } = this.#options;
    const variables = deployedEnv('etcd.env', {
      ETCD_NAME: name,
      ETCD_DATA_DIR: join(this.#folder, 'data'),
      ETCD_LISTEN_CLIENT_URLS: clientUrl,
      ETCD_ADVERTISE_CLIENT_URLS: clientUrl,
      ETCD_LISTEN_PEER_URLS: peerUrl,
      ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl,
      ETCD_INITIAL_CLUSTER: initial,
    });
    this.#part = await startPart({
      name: `etcd ${name}`,
      folder: this.#folder,
      url: clientUrl,
      command,
      args: [],
      env: { PATH: process.env.PATH, ...variables, ...(tls && tlsVariables(tls)), ...more },
      isReady: () => accepts(clientUrl),
    });
  }

  async kill(): Promise<void> {
    this.#part?.signal('SIGKILL');
    await this.#part?.ended;
  }

  empty(): void {
    rmSync(join(this.#folder, 'data'), { recursive: true, force: true });
  }
}

function tlsVariables({ caFile, certFile, keyFile }: EtcdTls): Record<string, string | undefined> {
  return deployedEnv('etcd-tls.env', {
    ETCD_TRUSTED_CA_FILE: caFile,
    ETCD_CERT_FILE: certFile,
    ETCD_KEY_FILE: keyFile,
    ETCD_PEER_TRUSTED_CA_FILE: caFile,
    ETCD_PEER_CERT_FILE: certFile,
    ETCD_PEER_KEY_FILE: keyFile,
  });
}

/** etcd listens for clients once it is ready to answer them; with TLS only to those that show a certificate. */
function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
