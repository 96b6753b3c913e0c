// What bad calls cost the good ones beside them: the same transfers with 1 % of calls that are refused, and without.
import { randomUUID } from 'node:crypto';
import type { SignedCall } from '../generator/protocol.ts';
import { grpcCall, overGrpc, owner, pickRandom, transferBetween, won } from './calls.ts';
import type { Bench, Case, Result } from './case.ts';
import { measure } from './measure.ts';
import { CREATE, transferCalls } from './transfers.ts';

/** One call of so many is bad. */
const ONE_OF = 100;
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
/** There and back, so that what changes with time meets both alike. */
const TURNS = ['without', 'with', 'with', 'without'] as const;
/** How bad calls are answered. */
const REFUSED =
  /^(UNAUTHENTICATED AUTHENTICATION_FAILED|INVALID_ARGUMENT INVALID_FIELD|NOT_FOUND WALLET_NOT_FOUND)$/;

/** Bad calls of three kinds: a wrong signature, a bad field, and a wallet that does not exist. */
export const BAD_CALLS: Case = {
  name: 'CreateTransfer with 1 % bad calls',
  run: async (bench) => {
    const good = transferCalls(bench.wallets);
    const mixed = good.map((call, index) =>
      index % ONE_OF === 0 ? spoil(bench, call, index / ONE_OF) : call,
    );
    const results: { readonly turn: (typeof TURNS)[number]; readonly result: Result }[] = [];
    for (const turn of TURNS) {
      const target = overGrpc(bench, turn === 'with' ? mixed : good, true);
      const plan = {
        name: BAD_CALLS.name,
        target,
        programs: PROGRAMS,
        transfersPerCall: 1,
        expected: REFUSED,
      };
      results.push({ turn, result: await measure(bench, plan) });
    }
    const rateOf = (turn: (typeof TURNS)[number]) =>
      results.reduce((sum, one) => sum + (one.turn === turn ? one.result.callsPerSecond : 0), 0);
    const last = results.findLast(({ turn }) => turn === 'with')?.result as Result;
    return [{ ...last, figures: { 'good ones / without': rateOf('with') / rateOf('without') } }];
  },
};

function spoil({ wallets }: Bench, call: SignedCall, kind: number): SignedCall {
  const from = pickRandom(wallets);
  const transfer = transferBetween(from, pickRandom(wallets, from));
  if (kind % 3 === 0) return { ...call, isForged: true };
  const request =
    kind % 3 === 1 ? { ...transfer, amount: won(0) } : { ...transfer, credit_wallet_id: randomUUID() };
  return grpcCall(CREATE, request, owner(from));
}
