// Who is limited as one: an IPv4 address, or the /64 network of an IPv6 one, however it is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neighbourhoodOf } from '../../src/keys/networks.ts';

const ROWS: readonly (readonly [string, string])[] = [
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3:4::', '1:2:3:4::/64'],
];

for (const [address, neighbourhood] of ROWS) {
  test(`${address} is of ${neighbourhood}`, () => assert.equal(neighbourhoodOf(address), neighbourhood));
}
