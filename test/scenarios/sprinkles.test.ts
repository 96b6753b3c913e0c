// Sprinkles of wallet.v2 over gRPC and REST: what their creators choose, what their members see, and the proof at the end, which both
// verifiers check.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { verifySprinkle } from '../../clients/typescript/src/verify-sprinkle.ts';
import { actingAs, expectRefusal, uniqueUsers, withKey, won } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { mustRun } from '../must-run.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const CREATE = 'wallet.v2.SprinkleService/CreateSprinkle';
const CLAIM = 'wallet.v2.SprinkleService/ClaimSprinkle';
const CANCEL = 'wallet.v2.SprinkleService/CancelSprinkle';
const GET = 'wallet.v2.SprinkleService/GetSprinkle';
const PROOF = 'wallet.v2.SprinkleService/GetSprinkleProof';
const LIST = 'wallet.v2.SprinkleService/ListRoomSprinkles';
/** SPRINKLES=10000 npm test -- test/scenarios/sprinkles.test.ts makes and checks as many. */
const MANY = Number(process.env.SPRINKLES ?? 120);
const LOOPS = 4;
const ROOT = new URL('../..', import.meta.url).pathname;

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
});
after(() => stack.stop());

/** A creator with money, members, and somebody outside, in a room of their own. */
async function createPeople(members = 3) {
  const [anna = 0, outsider = 0, ...others] = uniqueUsers(2 + members);
  const room_id = `sprinkles-${anna}`;
  await stack.addUsers([anna, outsider, ...others]);
  await stack.addRoom(room_id, [anna, ...others]);
  await stack.fund([anna], 1_000_000_000);
  return { anna, outsider, others, room_id, wallet_id: await stack.as(anna).defaultWallet() };
}

type People = Awaited<ReturnType<typeof createPeople>>;

/** Calls through one client. */
function caller(client: ApiClient, { anna, room_id, wallet_id }: People) {
  const done = (answer: Answer) => {
    assert.equal(answer.status, 0, `${answer.reason} ${answer.fields}`);
    return answer;
  };
  const create = (request: Json = {}) =>
    client.call(CREATE, { room_id, wallet_id, amount: won(1000), headcount: 2, ...request }, withKey(anna));
  const made = async (request: Json = {}) => {
    const sprinkle = done(await create(request)).body.sprinkle as Json;
    return {
      sprinkle,
      token: String(sprinkle.token),
      place: { room_id, sprinkle_id: sprinkle.sprinkle_id ?? '' },
    };
  };
  return {
    create,
    made,
    claim: (user: number, token: string, nonce = '') =>
      client.call(CLAIM, { room_id, token, ...(nonce && { nonce }) }, withKey(user)),
    cancel: (user: number, place: Json) => client.call(CANCEL, place, withKey(user)),
    get: async (user: number, place: Json) =>
      done(await client.call(GET, place, actingAs(user))).body.sprinkle as Json,
    read: (user: number, rpc: string, request: Json) => client.call(rpc, request, actingAs(user)),
    proof: async (user: number, place: Json) => done(await client.call(PROOF, place, actingAs(user))).body,
  };
}

const clients = { gRPC: () => stack.grpc, ...(!withoutEdge && { REST: () => stack.rest }) };
for (const [over, client] of Object.entries(clients)) {
  test(`over ${over}: its commitment comes before the first claim, its proof after the last, and a verifier finds every share`, async () => {
    const people = await createPeople();
    const { anna, outsider, others } = people;
    const [bo = 0, cho = 0] = others;
    const { made, claim, get, read, proof } = caller(client(), people);
    const { sprinkle, token, place } = await made();
    const commitment = String(sprinkle.commitment);
    assert.equal(Buffer.from(commitment, 'base64').length, 32);
    const seen = await get(bo, place);
    assert.deepEqual([seen.commitment, seen.token ?? ''], [commitment, '']);
    const nonce = randomBytes(16).toString('base64');
    assert.equal((await claim(bo, token, nonce)).status, 0);
    expectRefusal(await read(bo, PROOF, place), 'ERR006', 'SPRINKLE_OPEN');
    assert.equal((await claim(cho, token)).status, 0);
    for (const user of [anna, bo, cho]) {
      const verdict = verifySprinkle(await proof(user, place), {
        commitment,
        claim: { userId: String(bo), nonce },
      });
      assert.deepEqual(verdict.problems, []);
    }
    for (const rpc of [PROOF, GET]) {
      expectRefusal(await read(outsider, rpc, place), 'ERR005', 'SPRINKLE_NOT_FOUND', ['sprinkle_id']);
    }
    const ended = await get(cho, place);
    const claims = ended.claims as { user_id: string; amount: { minor_units: string } }[];
    const most = Math.max(...claims.map(({ amount }) => Number(amount.minor_units)));
    assert.equal(
      claims.find(({ amount }) => Number(amount.minor_units) === most)?.user_id,
      ended.luckiest_user_id,
    );
  });

  test(`over ${over}: what does not fit together is refused with the name of the field`, async () => {
    const people = await createPeople();
    const { anna, outsider, others } = people;
    const [bo = 0] = others;
    const { create, claim, made } = caller(client(), people);
    const equal = 'SPRINKLE_MODE_EQUAL';
    const rows: readonly (readonly [field: string, request: Json])[] = [
      ['amount', { mode: equal, amount: won(1001) }],
      ['share_floor', { mode: equal, share_floor: won(500) }],
      ['share_ceiling', { mode: equal, share_ceiling: won(500) }],
      ['share_floor', { share_floor: won(501) }],
      ['share_ceiling', { share_ceiling: won(499) }],
      ['share_floor.minor_units', { share_floor: won(0) }],
      ['message', { message: 'x'.repeat(201) }],
      ['message', { message: 'two\nlines' }],
      ['expires_in', { expires_in: '59s' }],
      ['expires_in', { expires_in: '259201s' }],
      ['allowed_user_ids', { allowed_user_ids: [String(bo)] }],
      ['allowed_user_ids', { allowed_user_ids: [String(bo), String(bo)] }],
      ['allowed_user_ids[1]', { allowed_user_ids: [String(bo), String(anna)] }],
      ['allowed_user_ids[1]', { allowed_user_ids: [String(bo), String(outsider)] }],
      ['allowed_user_ids[0]', { allowed_user_ids: ['0', String(bo)] }],
    ];
    for (const [field, request] of rows) {
      const refused = await create(request);
      expectRefusal(refused, 'ERR001', 'INVALID_FIELD', field.startsWith('share_floor.') ? 'any' : [field]);
      assert.ok(
        String(refused.fields).startsWith(field.split('.')[0] ?? ''),
        JSON.stringify([field, refused.fields]),
      );
    }
    const dollars = { currency_code: 'USD', minor_units: '1' };
    expectRefusal(await create({ share_floor: dollars }), 'ERR001', 'CURRENCY_MISMATCH', [
      'share_floor.currency_code',
    ]);
    const { token } = await made();
    const long = randomBytes(17).toString('base64');
    expectRefusal(await claim(bo, token, long), 'ERR001', 'INVALID_FIELD', ['nonce']);
  });

  test(`over ${over}: shares keep to what the creator chose, and only chosen members claim`, async () => {
    const people = await createPeople();
    const [bo = 0, cho = 0, dan = 0] = people.others;
    const { made, claim, get } = caller(client(), people);
    const allowed_user_ids = [String(bo), String(cho)];
    const chosen = await made({
      ...{ share_floor: won(400), share_ceiling: won(600), allowed_user_ids },
      ...{ message: 'For two 🎉', expires_in: '259200s' },
    });
    expectRefusal(await claim(dan, chosen.token), 'ERR004', 'SPRINKLE_FOR_OTHERS');
    for (const user of [bo, cho]) {
      const share = Number((await claim(user, chosen.token)).at('amount', 'minor_units'));
      assert.ok(share >= 400 && share <= 600, String(share));
    }
    const seen = await get(dan, chosen.place);
    assert.deepEqual([seen.message, seen.allowed_user_ids], ['For two 🎉', allowed_user_ids]);
    const lifetime = Date.parse(String(seen.expires_at)) - Date.parse(String(seen.created_at));
    assert.equal(lifetime, 72 * 3_600_000);
    const equal = await made({ mode: 'SPRINKLE_MODE_EQUAL' });
    assert.equal((await claim(bo, equal.token)).at('amount', 'minor_units'), '500');
    assert.equal((await claim(cho, equal.token)).at('amount', 'minor_units'), '500');
    assert.ok(['0', undefined].includes((await get(bo, equal.place)).luckiest_user_id as string | undefined));
  });

  test(`over ${over}: with hidden amounts everybody can check the proof, and sees no claim but the own one`, async () => {
    const people = await createPeople();
    const [bo = 0, cho = 0] = people.others;
    const { made, claim, get, proof } = caller(client(), people);
    const { token, place } = await made({ hide_amounts: true });
    const nonce = randomBytes(16).toString('base64');
    await claim(bo, token, nonce);
    await claim(cho, token);
    const [own, all] = [await get(bo, place), await get(people.anna, place)];
    assert.deepEqual(
      (own.claims as Json[]).map(({ user_id }) => user_id),
      [String(bo)],
    );
    assert.deepEqual([own.claimed_amount ?? null, own.claimed_count], [null, 2]);
    assert.equal((all.claims as Json[]).length, 2);
    const hidden = await proof(bo, place);
    assert.deepEqual(verifySprinkle(hidden, { claim: { userId: String(bo), nonce } }).problems, []);
    const [, other] = hidden.claims as Json[];
    assert.deepEqual([other?.user_id ?? '0', other?.nonce ?? ''], ['0', '']);
    const open = await proof(people.anna, place);
    assert.deepEqual(verifySprinkle(open).problems, []);
    // Otherwise the few members could be tried one after the other.
    assert.equal(Buffer.from(String((open.claims as Json[])[1]?.nonce), 'base64').length, 16);
  });

  test(`over ${over}: its creator takes back what is left, once`, async () => {
    const people = await createPeople();
    const { anna, others } = people;
    const [bo = 0, cho = 0] = others;
    const { made, claim, cancel, get, read, proof } = caller(client(), people);
    const { token, place } = await made();
    const share = Number((await claim(bo, token)).at('amount', 'minor_units'));
    expectRefusal(await cancel(bo, place), 'ERR005', 'SPRINKLE_NOT_FOUND', ['sprinkle_id']);
    const cancelled = await cancel(anna, place);
    assert.equal(cancelled.at('sprinkle', 'state'), 'SPRINKLE_STATE_CANCELLED');
    assert.equal(Number(cancelled.at('balance', 'minor_units')), 1_000_000_000 - share);
    expectRefusal(await claim(cho, token), 'ERR006', 'SPRINKLE_CANCELLED');
    expectRefusal(await cancel(anna, place), 'ERR006', 'SPRINKLE_CANCELLED');
    assert.equal((await get(bo, place)).state, 'SPRINKLE_STATE_CANCELLED');
    const { claimedCount, problems } = verifySprinkle(await proof(cho, place));
    assert.deepEqual([claimedCount, problems], [1, []]);
    const listed = await read(cho, LIST, { room_id: people.room_id });
    assert.deepEqual(
      listed.list('sprinkles').map(({ state }) => state),
      ['SPRINKLE_STATE_CANCELLED'],
    );
    expectRefusal(
      await read(people.outsider, LIST, { room_id: people.room_id }),
      'ERR005',
      'ROOM_NOT_FOUND',
      ['room_id'],
    );
  });
}

test('the pages of a room list every sprinkle once, newest first', async () => {
  const people = await createPeople();
  const { made, read } = caller(stack.grpc, people);
  const ids: unknown[] = [];
  for (let count = 0; count < 5; count++) ids.unshift((await made()).place.sprinkle_id);
  const seen: unknown[] = [];
  for (let page_token = ''; ; ) {
    const page = await read(people.others[0] ?? 0, LIST, {
      room_id: people.room_id,
      page_size: 2,
      page_token,
    });
    seen.push(...page.list('sprinkles').map(({ sprinkle_id }) => sprinkle_id));
    page_token = String(page.body.next_page_token ?? '');
    if (!page_token) break;
  }
  assert.deepEqual(seen, ids);
});

/** What the creator of one of many chooses: anything. */
function anySplit(): Json {
  const headcount = randomInt(1, 9);
  const equal = randomInt(1, 100_000);
  if (randomInt(0, 4) === 0)
    return { headcount, amount: won(equal * headcount), mode: 'SPRINKLE_MODE_EQUAL' };
  const floor = randomInt(1, equal + 1);
  const ceiling = equal + 1 + randomInt(0, equal);
  return {
    headcount,
    amount: won(equal * headcount + randomInt(0, headcount)),
    ...(randomInt(0, 2) === 0 && { share_floor: won(floor) }),
    ...(randomInt(0, 2) === 0 && { share_ceiling: won(ceiling) }),
    hide_amounts: randomInt(0, 4) === 0,
  };
}

test(`${MANY} random sprinkles are proven by both verifiers, which share no code`, {
  timeout: 60_000 + 100 * MANY,
}, async (context) => {
  const proofs: Json[] = [];
  let claimed = 0;
  const one = async (people: People) => {
    const { anna, others } = people;
    const { made, claim, cancel, proof } = caller(stack.grpc, people);
    const { sprinkle, token, place } = await made(anySplit());
    const headcount = Number(sprinkle.headcount);
    const claimers = others.slice(0, randomInt(0, headcount + 1));
    const answers = await Promise.all(
      claimers.map((user) =>
        claim(user, token, randomInt(0, 3) === 0 ? '' : randomBytes(16).toString('base64')),
      ),
    );
    for (const { status, reason } of answers) assert.equal(status, 0, reason);
    if (claimers.length < headcount) assert.equal((await cancel(anna, place)).status, 0);
    claimed += claimers.length;
    const shown = await proof(randomInt(0, 2) === 0 ? anna : (others[0] ?? 0), place);
    const { problems } = verifySprinkle(shown, { commitment: String(sprinkle.commitment) });
    assert.deepEqual(problems, [], JSON.stringify(shown));
    proofs.push(shown);
  };
  // Each loop has a room of its own: a user who tries several tokens of a room at a time may be guessing.
  let left = MANY;
  const loop = async () => {
    const people = await createPeople(8);
    while (left-- > 0) await one(people);
  };
  await Promise.all(Array.from({ length: LOOPS }, loop));
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-proofs-'));
  const file = join(folder, 'proofs.ndjson');
  writeFileSync(file, `${proofs.map((shown) => JSON.stringify(shown)).join('\n')}\n`);
  const verifier = join(ROOT, 'clients/python/src/ppuri/verify_sprinkle.py');
  const said = await mustRun('python3', [verifier, '--lines', file]);
  rmSync(folder, { recursive: true });
  assert.match(said, new RegExp(`^${proofs.length} of ${proofs.length} proven`));
  context.diagnostic(`${proofs.length} sprinkles with ${claimed} claims`);
});

test('the example of docs/sprinkles.md is proven by both verifiers as the page says, and a changed one by neither', async () => {
  const args = ['docs/sprinkle-proof.json', '--user', '1002', '--nonce', 'AAECAwQFBgcICQoLDA0ODw=='];
  const commitment = '/313WGiPmlK/fYOcKgcOKP+WGo55r7HVgEDeQYCrLGU=';
  const verifiers = [
    [process.execPath, join(ROOT, 'scripts/verify-sprinkle.ts')],
    ['python3', join(ROOT, 'clients/python/src/ppuri/verify_sprinkle.py')],
  ] as const;
  for (const [program, script] of verifiers) {
    const run = (published: string) =>
      mustRun(program, [script, ...args, '--commitment', published], { cwd: ROOT });
    assert.match(await run(commitment), /proven/);
    await assert.rejects(run(`A${commitment.slice(1)}`), /commitment/);
  }
});
