// Callers with the installed package who pay, claim and pay out without pause, and print what they set out to do and what
// they were answered, one JSON a line. They end when stdin does, once everything that they began has its answer.
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { connect, hmacKey, PpuriError } from '@ppuri/client';

const { ADDRESSES, KEY_ID, SECRET, USERS, ROOM } = process.env;
const users = USERS.split(',');
const LINES = 10;
/** Before a call that its client gave up is made again. */
const PAUSE_MS = 100;

let isStopping = false;
process.stdin.resume().on('end', () => {
  isStopping = true;
});
const print = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const onRetry = (error) => print({ retried: error.reason || status[error.status] });
const clients = ADDRESSES.split(',').map((address) =>
  connect(address, hmacKey(KEY_ID, SECRET), { retry: { onRetry } }),
);
const anyClient = () => clients[randomInt(clients.length)];

/**
 * Makes a call until it is answered, through any server and always under its key: a client gives up after 30 s, or when its
 * budget is spent, and then its caller goes on.
 */
async function answerOf(call) {
  for (;;) {
    try {
      return await call(anyClient());
    } catch (error) {
      // A refusal is an answer, which these callers give no reason for.
      if (!(error instanceof PpuriError) || ['ERR001', 'ERR004', 'ERR005', 'ERR006'].includes(error.code))
        throw error;
      print({ failed: error.reason || status[error.status] });
      await sleep(PAUSE_MS);
    }
  }
}

async function pay(userId) {
  const key = `pay-${randomUUID()}`;
  const [to_user_id, amount] = [
    users[(users.indexOf(userId) + randomInt(1, users.length)) % users.length],
    randomInt(1, 100),
  ];
  print({ begun: key });
  const request = { to_user_id, amount, memo: key };
  const answer = await answerOf((client) =>
    client.call('wallet.v1.WalletService/Transfer', request, { userId, idempotencyKey: key }),
  );
  print({ paid: key, id: answer.transaction_id, amount });
}

async function sprinkle(userId) {
  const others = users.filter((user) => user !== userId).slice(0, 3);
  const who = { userId, roomId: ROOM, idempotencyKey: randomUUID() };
  const made = await answerOf((client) =>
    client.call('wallet.v1.SprinkleService/CreateSprinkle', { amount: 300, headcount: others.length }, who),
  );
  const claims = others.map(async (user) => {
    const claimer = { userId: user, roomId: ROOM, idempotencyKey: randomUUID() };
    const { amount } = await answerOf((client) =>
      client.call('wallet.v1.SprinkleService/ClaimSprinkle', { token: made.token }, claimer),
    );
    return Number(amount);
  });
  print({ sprinkled: made.token, claimed: await Promise.all(claims) });
}

async function payOut(userId) {
  const service = 'wallet.v2.PayoutService';
  const { wallets } = await answerOf((client) =>
    client.call('wallet.v2.WalletService/ListWallets', {}, { userId }),
  );
  const withKey = { userId, idempotencyKey: randomUUID() };
  const draft = { wallet_id: wallets[0].wallet_id, mode: 'PAYOUT_MODE_EACH' };
  const { payout } = await answerOf((client) => client.call(`${service}/CreatePayout`, draft, withKey));
  const { payout_id } = payout;
  const lines = Array.from({ length: LINES }, (_, index) => ({
    user_id: users.find((user) => user !== userId),
    amount: { currency_code: 'KRW', minor_units: 1 + index },
    memo: `${payout_id}/${index}`,
  }));
  await answerOf((client) =>
    client.call(`${service}/AddPayoutLines`, { payout_id, first_line: 1, lines }, { userId }),
  );
  const start = { userId, idempotencyKey: randomUUID() };
  await answerOf((client) => client.call(`${service}/StartPayout`, { payout_id, line_count: LINES }, start));
  let last;
  await answerOf(async (client) => {
    for await (const message of client.stream(`${service}/WatchPayout`, { payout_id }, { userId }))
      last = message.payout;
  });
  print({ paidOut: payout_id, state: last.state, paid: last.paid_count });
}

async function again(work, userId) {
  while (!isStopping) await work(userId);
}

await Promise.all([
  ...users.map((user) => again(pay, user)),
  ...users.slice(0, 2).map((user) => again(sprinkle, user)),
  ...users.slice(2, 4).map((user) => again(payOut, user)),
]);
for (const client of clients) client.close();
