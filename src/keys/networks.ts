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
      throw refuseField('INVALID_FIELD', `${field}[${index}]`, 'must be a CIDR block such as 10.0.0.0/8');
    allowed.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  });
  return (address) => {
    const plain = withoutMapping(address);
    const family = isIP(plain);
    return family !== 0 && allowed.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** An IPv4 address that a socket for both families shows as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export function withoutMapping(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}
