// Where webhooks may be sent to: public addresses only, because what a caller names must not lead into our own networks.
import { Resolver } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { refuseField } from '../domain/refusal.ts';
import { withoutMapping } from '../keys/index.ts';

/** What of IPv4 is not public (IANA IPv4 Special-Purpose Address Registry), and addresses of clouds' own services. */
const FORBIDDEN_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by a carrier's customers (CGNAT)
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's own services
  '169.254.0.0/16', // link-local, the metadata of clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];
/**
 * IPv6 is public within 2000::/3 only, which leaves out loopback, link-local, unique local and multicast addresses, those
 * mapped from IPv4 (::ffff:0:0/96) and NAT64's (64:ff9b::/96); of that range these are not.
 */
const PUBLIC_IPV6 = '2000::/3';
const FORBIDDEN_IPV6 = [
  '2001::/23', // IETF protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, which embeds an IPv4 address
  '3fff::/20', // documentation
];
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const blocks = (...lists: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const block of lists) {
    const [address = '', prefix] = block.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
};
const forbiddenIpv4 = blocks(...FORBIDDEN_IPV4);
const publicIpv6 = blocks(PUBLIC_IPV6);
const forbiddenIpv6 = blocks(...FORBIDDEN_IPV6);
const loopback = blocks(...LOOPBACK);

/** Whether an address is public. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  // A zone (`fe80::1%eth0`) names a link of this machine.
  if (family === 0 || address.includes('%')) return false;
  if (family === 4) return !forbiddenIpv4.check(address, 'ipv4');
  return publicIpv6.check(address, 'ipv6') && !forbiddenIpv6.check(address, 'ipv6');
}

function isLoopback(address: string): boolean {
  const plain = withoutMapping(address);
  return (
    isIP(plain) !== 0 && !plain.includes('%') && loopback.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6')
  );
}

/** What webhooks may be sent to besides public addresses. */
export interface AddressRules {
  /** The loopback addresses and `localhost`, over http too; for development. */
  readonly allowsLoopback: boolean;
}

/** Thrown where a name leads to an address that nothing may be sent to. Its message names no address. */
export class AddressNotAllowedError extends Error {
  override name = 'AddressNotAllowedError';
  readonly code = 'ADDRESS_NOT_ALLOWED';
}

const NAME_WORDS = {
  en: 'must be an https address on the public internet, without a user name, a password or a fragment',
  ko: '공개 인터넷의 https 주소여야 하고 사용자 이름, 비밀번호, 프래그먼트(#)가 없어야 합니다',
};

/**
 * Checks the address of a webhook as far as that is possible without resolving its name; returns it as it will be used.
 * Refuses INVALID_FIELD.
 */
export function checkWebhookUrl(text: string, rules: AddressRules, field = 'url'): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isGood =
    url !== undefined &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '' &&
    !text.includes('#') &&
    isAllowedHost(url, rules);
  if (!isGood) throw refuseField('INVALID_FIELD', field, NAME_WORDS);
  return url.href;
}

function isAllowedHost(url: URL, { allowsLoopback }: AddressRules): boolean {
  const host = hostOf(url);
  const isLocal = isLocalName(host) || isLoopback(host);
  if (isLocal) return allowsLoopback && ['http:', 'https:'].includes(url.protocol);
  if (url.protocol !== 'https:') return false;
  // A name without a dot is one of the own network's.
  return isIP(host) === 0 ? host.replace(/\.$/, '').includes('.') : isPublicAddress(host);
}

/** The host of a URL as a name or an address, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function isLocalName(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(host);
}

/** How a name is resolved; a test has its own name server. */
export type Resolve = Pick<Resolver, 'resolve4' | 'resolve6'>;

/**
 * Asks name servers directly (c-ares): getaddrinfo would occupy one of libuv's four threads for each slow name, and knows names
 * of the own network.
 */
export function createResolver(): Resolve {
  return new Resolver({ tries: 2, timeout: 2_000 });
}

/**
 * The connection's own lookup: what it returns is what is connected to, so an answer that changes between a check and the
 * connection changes nothing. Fails with ADDRESS_NOT_ALLOWED where one of the addresses is not allowed.
 */
export function publicLookup(rules: AddressRules, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolveAllowed(hostname, rules, resolve).then(
      (addresses) => {
        const [first = ''] = addresses;
        if (options.all)
          callback(
            null,
            addresses.map((address) => ({ address, family: isIP(address) })),
          );
        else callback(null, first, isIP(first));
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };
}

/** Resolves a host, a name or an address, to addresses that may be connected to. Throws AddressNotAllowedError. */
export async function resolveAllowed(host: string, rules: AddressRules, resolve: Resolve): Promise<string[]> {
  const isAllowed = (address: string) =>
    isPublicAddress(address) || (rules.allowsLoopback && isLoopback(address));
  const addresses = await addressesOf(host, resolve);
  if (!addresses.every(isAllowed)) throw new AddressNotAllowedError('an address that nothing is sent to');
  return addresses;
}

async function addressesOf(host: string, resolve: Resolve): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  if (isLocalName(host)) return ['127.0.0.1', '::1'];
  const [ipv4, ipv6] = await Promise.allSettled([resolve.resolve4(host), resolve.resolve6(host)]);
  const addresses = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length === 0) throw ipv4.status === 'rejected' ? ipv4.reason : new Error('no address');
  return addresses;
}
