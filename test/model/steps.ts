// How a step of the model test is made: calls are made, alone or several at once over both servers, the answers are compared with
// what the model says, and then what every wallet shows.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Answer, Json } from '../api-client.ts';
import { type PlainModel, Refused } from './plain-model.ts';
import { shownWallet, type World } from './product.ts';

/** How many people a world has: two sides, one who may look on, and one more. */
export const PEOPLE = 4;

/** One step. */
export type Command = fc.AsyncCommand<PlainModel, World>;
type Run<Args> = (args: Args, model: PlainModel, world: World) => Promise<void>;

/** One call that the model decides. */
export interface Act {
  readonly call: () => Promise<Answer>;
  /** Lets the model decide, and compares: throws where the answer is another one. */
  readonly compare: (answer: Answer) => void;
  /** What it sets, of which no answer says who came last: at once it is set by one call only. */
  readonly sets?: string;
}

/** How to make a call, once the things are there that it is about. */
export interface Maker {
  readonly name: string;
  /** Undefined where there is no such thing yet. */
  readonly make: (model: PlainModel, world: World) => Act | undefined;
}

/** Somebody. */
export const who = fc.nat(PEOPLE - 1);
/** Of the newest things of a kind, counted back from the newest; often that one itself, so that calls meet at it. */
export const which = fc.oneof(fc.nat(1), fc.nat(11));
/** Much of what people have, so that it often is too much. */
export const amount = fc.integer({ min: 1, max: 6_000 });
/** An amount, or all that there is. */
export const perhaps = fc.option(amount, { nil: undefined });
export const yesOrNo = fc.boolean();
/** One of a few, so that it often is taken; mostly none. */
export const references = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }).map((order) => `order-${order}`) },
);
/** What a user attaches to a transfer: the reference, and a label of the same value. */
export const annotated = (reference: string): Json =>
  reference === '' ? {} : { reference, labels: [{ key: 'order', value: reference }] };

/** A command and what it takes. It compares every wallet once it is done. */
export function command<Args>(name: string, args: fc.Arbitrary<Args>, run: Run<Args>): fc.Arbitrary<Command> {
  return args.map((value) =>
    step(`${name}(${fc.stringify(value)})`, async (model, world) => {
      await run(value, model, world);
      assert.deepEqual(await world.shown(), expectedWallets(model), `wallets after ${name}`);
    }),
  );
}

/** A call and what it takes. */
export function maker<Args>(
  name: string,
  args: fc.Arbitrary<Args>,
  make: (args: Args, model: PlainModel, world: World) => Act | undefined,
): fc.Arbitrary<Maker> {
  return args.map((value) => ({
    name: `${name}(${fc.stringify(value)})`,
    make: (model, world) => make(value, model, world),
  }));
}

/** A step that makes one call. */
export const alone = (makers: fc.Arbitrary<Maker>): fc.Arbitrary<Command> =>
  makers.map((one) => step(one.name, (model, world) => makeAtOnce([one], model, world)));

/** A step that makes two or three calls at once. */
export const atOnce = (makers: fc.Arbitrary<Maker>): fc.Arbitrary<Command> =>
  fc
    .array(makers, { minLength: 2, maxLength: 3 })
    .map((all) =>
      step(`at once: ${all.map(({ name }) => name).join(', ')}`, (model, world) =>
        makeAtOnce(all, model, world),
      ),
    );

function step(name: string, run: (model: PlainModel, world: World) => Promise<void>): Command {
  return {
    check: () => true,
    toString: () => name,
    async run(model, world) {
      await run(model, world);
      model.forget();
    },
  };
}

/** Makes calls at once. What comes of them has to be what comes of them in some order, one after the other. */
async function makeAtOnce(makers: readonly Maker[], model: PlainModel, world: World): Promise<void> {
  const acts = makers
    .flatMap(({ make }) => make(model, world) ?? [])
    .filter(({ sets }, index, all) => !sets || all.findIndex((one) => one.sets === sets) === index);
  const made = await Promise.all(acts.map(async (act) => ({ act, answer: await act.call() })));
  const shown = await world.shown();
  const restore = model.save();
  const errors: unknown[] = [];
  for (const order of ordersOf(made)) {
    try {
      for (const { act, answer } of order) act.compare(answer);
      const names = makers.map(({ name }) => name.replace(/\(.*/s, '')).join(', ');
      assert.deepEqual(shown, expectedWallets(model), `wallets after ${names}`);
      return;
    } catch (error) {
      errors.push(error);
      restore();
    }
  }
  if (errors.length === 1) throw errors[0];
  const answers = made.map(({ answer }) => answer.reason || JSON.stringify(answer.body));
  throw new AggregateError(errors, `in no order: ${answers.join(' and ')}; ${errors.join('; ')}`);
}

function ordersOf<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((first, index) => ordersOf(all.toSpliced(index, 1)).map((others) => [first, ...others]));
}

const expectedWallets = (model: PlainModel): Json[] =>
  model.balances.map((balance, user) => shownWallet(balance, model.heldOf(user)));

/** What the model says: what it changed, or the reason for which it refuses. */
export function decide<T>(
  change: () => T,
): { readonly done: T } | { readonly reason: string; readonly refused: Refused } {
  try {
    return { done: change() };
  } catch (error) {
    if (error instanceof Refused) return { reason: error.reason, refused: error };
    throw error;
  }
}

/**
 * A call whose answer is a refusal for the model's reason, or has what `shows` says. `then` tells the model what only the product
 * knows, such as ids.
 */
export function act<T>(
  call: () => Promise<Answer>,
  change: () => T,
  shows: (done: T) => Json = () => ({}),
  then: (done: T, answer: Answer) => void = () => {},
): Act {
  return {
    call,
    compare(answer) {
      const decided = decide(change);
      if ('reason' in decided) {
        assert.equal(answer.reason, decided.reason);
        return;
      }
      assert.equal(answer.reason, '', answer.reason);
      assertHas(answer.body, shows(decided.done));
      then(decided.done, answer);
    },
  };
}

/** The answer has these fields, and perhaps others. */
export function assertHas(actual: unknown, expected: Json, path = ''): void {
  for (const [name, value] of Object.entries(expected)) {
    const found = (actual as Json | undefined)?.[name];
    if (typeof value === 'object' && value !== null) assertHas(found, value as Json, `${path}${name}.`);
    else assert.equal(found, value, `${path}${name}`);
  }
}

/** One of a list, counted back from the newest. */
export function newest<T>(list: readonly T[], back: number): T | undefined {
  return list.at(-1 - (back % Math.max(1, list.length)));
}
