// A table: every RPC that moves money against every state of the wallets that take part. A new one needs a row.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { MONEY_RPCS, MOVE_NO_MONEY, makeWorld, type World } from '../accounts/money-rpcs.ts';
import { REFUSED_IN } from '../accounts/refused-in.ts';
import type { Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

async function freeze(target: Json, direction: 'OUT' | 'IN' | 'BOTH'): Promise<void> {
  const request = { ...target, direction: `FREEZE_DIRECTION_${direction}`, reason: 'a test', case_id: 'T-1' };
  const answer = await stack.grpc.call('admin.v1.AccountService/Freeze', request);
  assert.equal(answer.status, 0, answer.reason);
}
/** By hand, because a wallet with open pots cannot be closed: what comes back into a closed wallet is tested, too. */
const close = (wallet: string) =>
  stack.db.query('UPDATE accounts SET closed_at = now() WHERE id = $1', [wallet]);

/** The end of the freeze has passed; nothing has to be done about it for that. */
async function wasFrozen({ wallet }: World): Promise<void> {
  await freeze({ wallet_id: wallet }, 'BOTH');
  const text = `UPDATE accounts SET frozen_out_until = created_at, frozen_in_until = created_at WHERE id = $1`;
  await stack.db.query(text, [wallet]);
}

/** The columns: how each state comes about. */
const STATES: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  open: async () => {},
  'frozen OUT': ({ wallet }) => freeze({ wallet_id: wallet }, 'OUT'),
  'frozen IN': ({ wallet }) => freeze({ wallet_id: wallet }, 'IN'),
  frozen: ({ wallet }) => freeze({ wallet_id: wallet }, 'BOTH'),
  'user frozen OUT': ({ actor }) => freeze({ user_id: String(actor) }, 'OUT'),
  'user frozen IN': ({ actor }) => freeze({ user_id: String(actor) }, 'IN'),
  'user frozen': ({ actor }) => freeze({ user_id: String(actor) }, 'BOTH'),
  'frozen until now': wasFrozen,
  closed: ({ wallet }) => close(wallet),
  'the other frozen OUT': ({ otherWallet }) => freeze({ wallet_id: otherWallet }, 'OUT'),
  'the other frozen IN': ({ otherWallet }) => freeze({ wallet_id: otherWallet }, 'IN'),
  'the other frozen': ({ otherWallet }) => freeze({ wallet_id: otherWallet }, 'BOTH'),
  'the other user frozen OUT': ({ other }) => freeze({ user_id: String(other) }, 'OUT'),
  'the other user frozen IN': ({ other }) => freeze({ user_id: String(other) }, 'IN'),
  'the other closed': ({ otherWallet }) => close(otherWallet),
};

test('every RPC that changes something has a row, or is known to move no money', () => {
  const rows = new Set(MONEY_RPCS.map(({ rpc }) => rpc));
  const missing = [...CONTRACTS].flatMap(([path, { rules }]) => {
    const rpc = path.slice(1);
    const isKnown = rows.has(rpc) || MOVE_NO_MONEY.some((pattern) => pattern.test(rpc));
    return rules.isReadOnly || isKnown ? [] : [rpc];
  });
  assert.deepEqual(missing, []);
  assert.deepEqual(MONEY_RPCS.map(({ name }) => name).sort(), Object.keys(REFUSED_IN).sort());
});

describe('with a wallet that is', () => {
  for (const [state, enter] of Object.entries(STATES)) {
    test(state, async () => {
      const world = await makeWorld(stack);
      await enter(world);
      const [found, expected]: Record<string, string>[] = [{}, {}];
      for (const { name, call } of MONEY_RPCS) {
        Object.assign(found ?? {}, { [name]: (await call(world)).reason });
        Object.assign(expected ?? {}, { [name]: REFUSED_IN[name]?.[state] ?? '' });
      }
      assert.deepEqual(found, expected);
    });
  }
});
