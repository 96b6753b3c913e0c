// Where webhooks may be sent to: a table of addresses, names and URLs, also against a name server that changes its mind.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { describe, test } from 'node:test';
import { Refusal } from '../../src/domain/refusal.ts';
import { checkWebhookUrl, isPublicAddress, resolveAllowed } from '../../src/webhooks/addresses.ts';
import { createSender } from '../../src/webhooks/index.ts';
import { startNameServer } from './name-server.ts';

const PUBLIC = { allowsLoopback: false };
const DEVELOPMENT = { allowsLoopback: true };

const FORBIDDEN = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
  ...[
    '127.0.0.1',
    '127.8.9.10',
    '168.63.129.16',
    '169.254.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
  ],
  ...['192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7'],
  ...['203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...[
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
  ],
  ...[
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:10::1',
    '2001:20::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:808:808::1',
  ],
  ...[
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '4000::1',
  ],
  ...['', 'localhost', '8.8.8', '08.8.8.8', '2606:4700::1111%1'],
];
const ALLOWED = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255'],
  ...[
    '128.0.0.1',
    '168.63.129.15',
    '169.253.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.0.1.1',
    '223.255.255.255',
  ],
  ...['2001:200::1', '2606:4700:4700::1111', '2a00:1450::1', '2003::1'],
];

describe('addresses', () => {
  for (const address of FORBIDDEN)
    test(`'${address}' is not public`, () => assert.equal(isPublicAddress(address), false));
  for (const address of ALLOWED)
    test(`${address} is public`, () => assert.equal(isPublicAddress(address), true));
});

const REFUSED_URLS = [
  ...[
    '',
    'example.com',
    'ftp://example.com/',
    'http://example.com/',
    'https://',
    'javascript:alert(1)',
    'file:///etc/passwd',
  ],
  ...[
    'https://user@example.com/',
    'https://user:secret@example.com/',
    'https://example.com/#here',
    'https://example.com/#',
  ],
  ...[
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
    'https://intranet/',
    'https://intranet./',
  ],
  ...[
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
  ],
  ...[
    'https://%31%32%37.0.0.1/',
    'https://１２７.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
  ],
  ...[
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fe80::1]/',
    'https://[2002:7f00:1::]/',
  ],
];

describe('URLs', () => {
  for (const url of REFUSED_URLS)
    test(`'${url}' is refused`, () =>
      assert.throws(
        () => checkWebhookUrl(url, PUBLIC),
        (error) => error instanceof Refusal && error.reason === 'INVALID_FIELD',
      ));
  for (const url of [
    'https://example.com/',
    'https://example.com:8443/hooks?a=b',
    'https://1.1.1.1/',
    'https://[2606:4700:4700::1111]/',
  ])
    test(`${url} is taken`, () => assert.equal(checkWebhookUrl(url, PUBLIC), url));
  test('in development loopback is allowed, over http too, and nothing else that is private', () => {
    for (const url of [
      'http://127.0.0.1:8080/',
      'http://localhost:8080/',
      'http://[::1]:8080/',
      'https://localhost/',
    ])
      assert.equal(checkWebhookUrl(url, DEVELOPMENT), url);
    for (const url of [
      'http://10.0.0.1/',
      'https://10.0.0.1/',
      'http://example.com/',
      'http://169.254.169.254/',
      'http://[fe80::1]/',
    ])
      assert.throws(() => checkWebhookUrl(url, DEVELOPMENT), Refusal, url);
  });
});

describe('what a name leads to is decided by the connection itself', () => {
  const send = async (zone: (name: string) => readonly string[], url: string, rules = PUBLIC) => {
    using names = await startNameServer(zone);
    using sender = createSender({ ...rules, resolve: names.resolver, timeoutMs: 3_000 });
    const result = await sender.send(url, {}, '{}');
    return { ...result, asked: names.asked };
  };

  for (const address of FORBIDDEN.filter(
    (one) => /^[\d.]{7,}$|^[0-9a-f:]{2,}$/.test(one) && one !== '08.8.8.8',
  ))
    test(`a name of ${address}`, async () => {
      assert.equal((await send(() => [address], 'https://hooks.example.com/')).error, 'ADDRESS_NOT_ALLOWED');
    });

  test('a name with a public and a private address is not sent to', async () => {
    const { error } = await send(() => ['1.1.1.1', '10.0.0.1'], 'https://hooks.example.com/');
    assert.equal(error, 'ADDRESS_NOT_ALLOWED');
  });

  test('addresses in the URL need no name server', async () => {
    const hosts = ['https://10.0.0.1/', 'https://[::1]/', 'https://2130706433/', 'https://[::ffff:a00:1]/'];
    for (const url of hosts) {
      const { error, asked } = await send(() => ['1.1.1.1'], url);
      assert.deepEqual([error, asked], ['ADDRESS_NOT_ALLOWED', []], url);
    }
  });

  describe('a name server that changes its mind', () => {
    /** Answers the first two questions, of A and of AAAA, with a public address, and the next ones with one of this machine. */
    const changing = () => {
      let questions = 0;
      return startNameServer(() => (questions++ < 4 ? ['1.1.1.1'] : ['127.0.0.1']));
    };
    const internalServer = async () => {
      let hits = 0;
      const server = createServer((_request, response) => {
        hits += 1;
        response.end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return {
        url: `http://rebind.example.com:${port}/`,
        hits: () => hits,
        [Symbol.dispose]: () => server.close(),
      };
    };

    test('deceives a check that is made before the connection', async () => {
      using internal = await internalServer();
      using names = await changing();
      await resolveAllowed('rebind.example.com', PUBLIC, names.resolver);
      const lookup: LookupFunction = (name, _options, done) =>
        void names.resolver.resolve4(name).then(([address = '']) => done(null, [{ address, family: 4 }]));
      await once(get(internal.url, { lookup }), 'response');
      assert.equal(internal.hits(), 1);
    });

    test('does not deceive the connection', async () => {
      using internal = await internalServer();
      using names = await changing();
      await resolveAllowed('rebind.example.com', PUBLIC, names.resolver);
      using sender = createSender({ ...PUBLIC, resolve: names.resolver, timeoutMs: 3_000 });
      const { error } = await sender.send(internal.url, {}, '{}');
      assert.deepEqual([error, internal.hits()], ['ADDRESS_NOT_ALLOWED', 0]);
    });
  });

  test('where loopback is allowed a name may lead there, and nowhere else that is private', async () => {
    assert.equal(
      (await send(() => ['10.0.0.1'], 'https://hooks.example.com/', DEVELOPMENT)).error,
      'ADDRESS_NOT_ALLOWED',
    );
    // Nothing listens there.
    assert.equal(
      (await send(() => ['127.0.0.1'], 'http://hooks.example.com:1/', DEVELOPMENT)).error,
      'ECONNREFUSED',
    );
  });

  test('a name that does not exist', async () => {
    assert.equal((await send(() => [], 'https://nowhere.example.com/')).error, 'ENOTFOUND');
  });
});
