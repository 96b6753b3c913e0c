// Many transfers in one call in the model test: all or none, or each on its own.
import fc from 'fast-check';
import { won } from '../api.ts';
import type { PlainModel } from './plain-model.ts';
import { act, amount, annotated, decide, maker, references, who, yesOrNo } from './steps.ts';
import type { Payment } from './things.ts';

interface Item {
  readonly to: number;
  readonly amount: number;
  readonly reference: string;
}
type Result = ReturnType<typeof decide<Payment>>;

/** What becomes of the items, one after the other. Throws Refused where all are refused for one of them. */
function payAll(model: PlainModel, from: number, items: readonly Item[], each: boolean): Result[] {
  const restore = model.save();
  return items.map(({ to, amount: much, reference }) => {
    const result = decide(() => model.transfer(from, to, much, reference));
    if ('done' in result || each) return result;
    restore();
    throw result.refused;
  });
}

/** A user pays one to three others, or itself, which is refused. */
export const BATCHES = maker(
  'batch',
  fc.tuple(
    who,
    fc.array(fc.record<Item>({ to: who, amount, reference: references }), { minLength: 1, maxLength: 3 }),
    yesOrNo,
  ),
  ([from, items, each], model, world) =>
    act(
      () =>
        world.call(from, 'wallet.v2.TransferService/BatchCreateTransfers', {
          mode: each ? 'BATCH_MODE_EACH' : 'BATCH_MODE_ALL_OR_NOTHING',
          items: items.map(({ to, amount: much, reference }) => ({
            debit_wallet_id: world.walletOf(from),
            credit_user_id: world.idOf(to),
            amount: won(much),
            ...annotated(reference),
          })),
        }),
      () => payAll(model, from, items, each),
      (results) => ({
        results: results.map((result) =>
          'done' in result
            ? { posted: { transfer: { amount: won(result.done.amount) } } }
            : { refused: { reason: result.reason } },
        ),
      }),
      (results, answer) => {
        for (const [index, result] of results.entries()) {
          const id = answer.at('results', String(index), 'posted', 'transfer', 'transfer_id');
          if ('done' in result) result.done.id = String(id);
        }
      },
    ),
);
