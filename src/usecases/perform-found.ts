// Does a verb of money whose intent has to be looked up first: what stands under its key comes before what is found.
import type { IdempotencyKey } from '../domain/intent.ts';
import { Refusal } from '../domain/refusal.ts';
import type { CallInfo, Verb } from '../domain/verb.ts';
import type { Core } from './core.ts';

/** Refuses what it is told to. It needs nothing of the ledger but what stands under its key. */
const refuse: Verb<Refusal, never> = {
  needs: () => ({}),
  decide: (refusal) => {
    throw refusal;
  },
};

/**
 * Finds what the verb's intent is made of and does the verb. Where finding it ends in a refusal, the ledger is asked all
 * the same: a call that was answered before gets that answer, whatever has gone since (a sprinkle, a room, a payout), and
 * otherwise the refusal is as definite as the ledger's own. It takes no locks of accounts.
 */
export async function performFound<Intent, Outcome>(
  { perform }: Core,
  verb: Verb<Intent, Outcome>,
  find: () => Promise<Intent>,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<Outcome> {
  let intent: Intent;
  try {
    intent = await find();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return perform<Refusal, Outcome>(refuse, error, key, call);
  }
  return perform(verb, intent, key, call);
}
