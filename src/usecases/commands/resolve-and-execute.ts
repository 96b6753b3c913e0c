// Executes a command whose intent needs a lookup first. A stored answer under its key takes precedence over the lookup.

import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** Throws the refusal that it is given. It reads nothing but what is stored under its key. */
const refuse: LedgerCommand<Refusal, never> = {
  readSet: () => ({}),
  decide: (refusal) => {
    throw refusal;
  },
};

/**
 * Resolves the intent and executes the command. If resolving it ends in a refusal, the call still goes through the ledger:
 * a call that was answered before gets that answer even if the sprinkle, room or payout has been deleted since, and
 * otherwise the refusal is as definite as the ledger's own. It locks no accounts.
 */
export async function resolveAndExecute<Intent, Outcome>(
  { execute }: Pick<Core, 'execute'>,
  command: LedgerCommand<Intent, Outcome>,
  find: () => Promise<Intent>,
  key: IdempotencyKey,
  call: CallInfo,
): Promise<Outcome> {
  let intent: Intent;
  try {
    intent = await find();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return execute<Refusal, Outcome>(refuse, error, key, call);
  }
  return execute(command, intent, key, call);
}
