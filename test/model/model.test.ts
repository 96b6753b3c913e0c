// Money in all its ways, with limits and freezes, agrees with a plain model step by step, while servers and workers are killed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { seededRandom } from '../domain/seeded-random.ts';
import { withoutRedis } from '../redis/own-redis.ts';
import { COMMANDS, GIFTS_GIVEN_BACK } from './commands.ts';
import { PlainModel } from './plain-model.ts';
import { type Product, startProduct, World } from './product.ts';
import { PEOPLE } from './steps.ts';

/**
 * MODEL_STEPS=100000 npm test -- test/model/model.test.ts makes so many, in 32 worlds at a time. MODEL_SEED=7 makes other ones.
 * fast-check shortens a failing run, and prints the seed and the path of the shortest.
 */
const STEPS = Number(process.env.MODEL_STEPS ?? 200);
const SEED = Number(process.env.MODEL_SEED ?? 1);
/** Each waits for its answers, so that their sum is what two servers can do. */
const LANES = Math.min(32, Math.ceil(STEPS / 50));
/** At most so many steps in one world. */
const WORLD_STEPS = Math.min(400, Math.ceil(STEPS / LANES));
/** From kill to kill, at most: a server takes a second or two to start. */
const STEPS_BETWEEN_KILLS = Math.min(1_000, STEPS);
const START = 10_000;
/** Of steps on a busy machine, each of which is two calls and more. */
const LONGEST_MS = 300_000 + 100 * STEPS;
/** For so long a failing run is made shorter. */
const SHORTEN_MS = 60_000;

let product: Product;
before(async () => {
  if (!withoutRedis) product = await startProduct();
});
after(() => product?.stop());

const random = seededRandom(SEED);
let seen = 0;
let killAt = random.below(STEPS / 2);
/** The lane of the run that failed first, and until when it is made shorter. */
let failure: { readonly lane: number; readonly until: number } | undefined;

/** Makes worlds one after the other, until all steps are made or a run has failed. */
async function walk(lane: number): Promise<void> {
  const goesOn = () => (failure ? failure.lane === lane && performance.now() < failure.until : seen < STEPS);
  /** A step that counts, and that the server may be killed in. */
  const counted = (command: fc.AsyncCommand<PlainModel, World>): fc.AsyncCommand<PlainModel, World> => ({
    check: (model) => goesOn() && command.check(model),
    toString: () => String(command),
    async run(model, world) {
      if (++seen >= killAt) {
        killAt = seen + 1 + random.below(STEPS_BETWEEN_KILLS);
        product.killSoon(random);
      }
      await command.run(model, world).catch((error: unknown) => {
        failure ??= { lane, until: performance.now() + SHORTEN_MS };
        throw error;
      });
    },
  });
  const commands = fc.commands(
    COMMANDS.map((one) => one.map(counted)),
    { maxCommands: WORLD_STEPS, size: 'max' },
  );
  const property = fc.asyncProperty(commands, async (steps) => {
    if (!goesOn()) return;
    const world = new World(product, PEOPLE);
    await world.begin(START);
    await fc.asyncModelRun(() => ({ model: new PlainModel(PEOPLE, START), real: world }), steps);
  });
  // Far more than are made.
  const numRuns = Math.ceil((20 * STEPS) / WORLD_STEPS) + 20;
  await fc.assert(property, { seed: SEED + lane, numRuns });
}

test('the product and the model agree step by step', {
  skip: withoutRedis,
  timeout: LONGEST_MS,
}, async (t) => {
  await Promise.all(Array.from({ length: LANES }, (_, lane) => walk(lane)));
  assert.ok(seen >= STEPS);
  const { calls, repeated, servers, workers, sessions, emptied } = product.counts;
  assert.ok(servers > 0);
  const killed = `${servers} servers and ${workers} workers killed, sessions ended ${sessions} times, Redis emptied ${emptied} times`;
  t.diagnostic(`${seen} steps, ${calls} calls, ${repeated} of them repeated, ${killed}`);
});

test('negative control: a model that gives nothing back for a declined gift does not agree', {
  skip: withoutRedis,
}, async () => {
  class Forgetful extends PlainModel {
    override decline(...[gift, by]: Parameters<PlainModel['decline']>): void {
      super.decline(gift, by);
      this.withdraw(gift.from, gift.amount);
    }
  }
  const world = new World(product, PEOPLE);
  await world.begin(START);
  const model = new Forgetful(PEOPLE, START);
  const runAll = async () => {
    for (const command of fc.sample(GIFTS_GIVEN_BACK, { seed: SEED, numRuns: 200 }))
      await command.run(model, world);
  };
  await assert.rejects(runAll, /wallets after give back/);
});
