// What a key may give away, and how long the one lives that takes another one's place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOfSuccessor, type Rights, tooWide } from '../../src/domain/api-key.ts';
import { lieWithin } from '../../src/keys/networks.ts';

const all: Rights = {
  scopes: ['read', 'pay', 'fund', 'admin', 'events'],
  userId: undefined,
  allowedNetworks: [],
  ratePerSecond: undefined,
};

test('a key grants only rights that it has', () => {
  const narrow: Rights = {
    scopes: ['admin', 'read'],
    userId: 7n,
    allowedNetworks: ['10.0.0.0/8'],
    ratePerSecond: 10,
  };
  assert.equal(tooWide(all, all, lieWithin), undefined);
  assert.equal(tooWide(all, narrow, lieWithin), undefined);
  assert.equal(tooWide(narrow, narrow, lieWithin), undefined);
  const lacks = (more: Partial<Rights>) => tooWide(narrow, { ...narrow, ...more }, lieWithin);
  assert.equal(lacks({ scopes: ['read', 'pay'] }), 'scopes');
  assert.equal(lacks({ userId: 8n }), 'user_id');
  assert.equal(lacks({ userId: undefined }), 'user_id');
  assert.equal(lacks({ allowedNetworks: [] }), 'allowed_networks');
  assert.equal(lacks({ ratePerSecond: 11 }), 'rate_per_second');
  assert.equal(lacks({ ratePerSecond: undefined }), 'rate_per_second');
  assert.equal(lacks({ ratePerSecond: 9 }), undefined);
});

test('networks lie within others block by block, each family in its own', () => {
  const cases: [string[], string[], boolean][] = [
    [[], [], true],
    [['0.0.0.0/0'], [], true],
    [[], ['0.0.0.0/0', '::/0'], false],
    [['10.1.0.0/16'], ['10.0.0.0/8'], true],
    [['10.0.0.0/8'], ['10.0.0.0/8'], true],
    [['10.0.0.0/7'], ['10.0.0.0/8'], false],
    [['10.1.0.0/16', '11.0.0.0/16'], ['10.0.0.0/8'], false],
    [['10.1.0.0/16', '11.0.0.0/16'], ['10.0.0.0/8', '11.0.0.0/8'], true],
    [['2001:db8:1::/48'], ['2001:db8::/32'], true],
    [['2001:db8::/32'], ['2001:db8:1::/48'], false],
    [['::/0'], ['0.0.0.0/0'], false],
    [['10.0.0.0/8'], ['::/0'], false],
    [['::ffff:10.0.0.0/104'], ['10.0.0.0/8'], false],
  ];
  for (const [blocks, others, lie] of cases)
    assert.equal(lieWithin(blocks, others), lie, `${blocks} in ${others}`);
});

test('a successor lives as long as the key that it replaces was given', () => {
  assert.equal(endOfSuccessor({ activeFrom: 100, expiresAt: 150 }, 1000), 1050);
  assert.equal(endOfSuccessor({ activeFrom: 100, expiresAt: undefined }, 1000), undefined);
});
