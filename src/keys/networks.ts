// Networks that calls may come from: CIDR blocks of IPv4 and IPv6 (RFC 4632, RFC 4291).
import { BlockList, isIP } from 'node:net';
import { refuseField } from '../domain/refusal.ts';

/** Whether an address is allowed. */
export type NetworkCheck = (address: string) => boolean;

/** Reads CIDR blocks; none allows every address. Refuses INVALID_FIELD naming the one that is no block. */
export function readNetworks(blocks: readonly string[], field: string): NetworkCheck {
  if (blocks.length === 0) return () => true;
  const allowed = new BlockList();
  blocks.forEach((block, index) => {
    const [address = '', prefix = '', ...more] = block.split('/');
    const family = isIP(address);
    const length = Number(prefix);
    const isBlock =
      family !== 0 && more.length === 0 && /^\d{1,3}$/.test(prefix) && length <= (family === 4 ? 32 : 128);
    if (!isBlock)
      throw refuseField('INVALID_FIELD', `${field}[${index}]`, {
        en: 'must be a CIDR block such as 10.0.0.0/8',
        ko: '10.0.0.0/8 같은 CIDR 블록이어야 합니다',
      });
    allowed.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  });
  return (address) => {
    const plain = withoutMapping(address);
    const family = isIP(plain);
    return family !== 0 && allowed.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** Whether each block lies within one of the others; none of either means every address. */
export function lieWithin(blocks: readonly string[], others: readonly string[]): boolean {
  if (others.length === 0) return true;
  return (
    blocks.length > 0 &&
    blocks.every((block) => {
      const [address = '', length] = block.split('/');
      return others.some((other) => {
        const isAsLarge = Number(other.split('/')[1]) <= Number(length);
        const [family, others] = [isIP(address), isIP(other.split('/')[0] ?? '')];
        return isAsLarge && family === others && readNetworks([other], '')(address);
      });
    })
  );
}

/** An IPv4 address that a socket for both families shows as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export function withoutMapping(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

/**
 * The network that limits count as one client: an IPv4 address, or the /64 of an IPv6 address, because a host that has one
 * of its addresses can use all of them (RFC 4291, section 2.5.1: an interface's half of the address).
 */
export function neighbourhoodOf(address: string): string {
  const plain = withoutMapping(address);
  if (isIP(plain) !== 6) return plain;
  const [before = '', after] = (plain.split('%')[0] ?? '').split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after ? after.split(':') : [];
  const zeros =
    after === undefined ? [] : Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const groups = [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
  return `${groups.join(':')}::/64`;
}
