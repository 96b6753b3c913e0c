// Connections by way of Sentinels that are away, or whose master is dead: nobody waits for them, and nothing outlives them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { findFree } from '../../scripts/dev/ports.ts';
import { createAnnouncements, createRedisConnection, KEYS_CHANGED } from '../../src/redis/index.ts';
import { until } from '../until.ts';

const HOST = '127.0.0.1';
const URL_OF_GROUP = 'redis://ppuri';

/** Answers later than the next question of who watches is due, and earlier than it gives up. */
const ANSWER_AFTER_MS = 700;

/** A Sentinel that names a port where nobody listens. */
async function startSentinel(answerAfterMs = 0) {
  const [masterPort = 0] = await findFree(1);
  const answer = `*2\r\n$${HOST.length}\r\n${HOST}\r\n$${String(masterPort).length}\r\n${masterPort}\r\n`;
  const clients = new Set<Socket>();
  const counts = { mostQuestions: 0, mostAtOnce: 0 };
  const server = createServer((client) => {
    let [questions, unanswered] = [0, 0];
    clients.add(client);
    client.once('close', () => clients.delete(client));
    client.on('error', () => {});
    client.on('data', (bytes) => {
      for (const [command] of String(bytes).matchAll(/\*\d+\r\n(?:\$\d+\r\n.*\r\n)+/g))
        if (!/GET-MASTER-ADDR-BY-NAME/i.test(command)) client.write("-ERR unknown command 'HELLO'\r\n");
        else {
          [questions, unanswered] = [questions + 1, unanswered + 1];
          counts.mostQuestions = Math.max(counts.mostQuestions, questions);
          counts.mostAtOnce = Math.max(counts.mostAtOnce, unanswered);
          setTimeout(() => {
            unanswered -= 1;
            client.write(answer);
          }, answerAfterMs);
        }
    });
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    address: { host: HOST, port: (server.address() as AddressInfo).port },
    clients,
    counts,
    [Symbol.dispose]: () => {
      server.close();
      for (const client of clients) client.destroy();
    },
  };
}

test('an announcement is given up while no Sentinel answers', { timeout: 30_000 }, async () => {
  const [port = 0] = await findFree(1);
  const address = { url: URL_OF_GROUP, sentinels: [{ host: HOST, port }] };
  using announcements = createAnnouncements(address, [], () => {});
  await announcements.announce(KEYS_CHANGED);
});

test('a connection that ends while its master is dead leaves none to a Sentinel', async () => {
  using sentinel = await startSentinel();
  const address = { url: URL_OF_GROUP, sentinels: [sentinel.address] };
  const redis = createRedisConnection({ ...address, onError: () => {} });
  await until('the Sentinel is watched', () => sentinel.counts.mostQuestions > 1);
  await until('it waits to connect again', () => redis.status === 'reconnecting');
  redis.disconnect();
  await until('nobody is connected to the Sentinel', () => sentinel.clients.size === 0);
});

test('a Sentinel that is slow is not asked again before it has answered', async () => {
  using sentinel = await startSentinel(ANSWER_AFTER_MS);
  const address = { url: URL_OF_GROUP, sentinels: [sentinel.address] };
  const redis = createRedisConnection({ ...address, onError: () => {} });
  await until('it was asked again and again', () => sentinel.counts.mostQuestions > 2);
  redis.disconnect();
  assert.equal(sentinel.counts.mostAtOnce, 1);
});
