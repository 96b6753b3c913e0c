// admin.v1.AccountService: wallets and users that are frozen, for operators.
import {
  AccountServiceService,
  type AccountStatus,
  FreezeDirection as WireDirection,
} from '../../../gen/ts/admin/v1/account_service.ts';
import type { AuditTrail } from '../../domain/act.ts';
import type { CallInfo } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { type Freeze, type FreezeDirection, type TargetStatus, targetNamed } from '../../domain/freeze.ts';
import { SYSTEM_USER_ID, systemKey } from '../../domain/intent.ts';
import { IS_REQUIRED } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';
import { END_OF_TIME } from '../../domain/time.ts';
import {
  type AdminCore,
  approveAct,
  closeWallet,
  freeze,
  reopenWallet,
  reverseTransfer,
  targetStatus,
  unfreeze,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { toExactMoment, toTimestamp } from '../timestamp.ts';
import { parseAmount, toTransfer } from '../v2/index.ts';
import { WIRE_WALLET_STATES } from '../wallet-states.ts';
import { withAudit } from './audit-calls.ts';
import { toTarget } from './targets.ts';

/** The handlers of admin.v1.AccountService, with every call on the audit trail. */
export const accountService = (core: AdminCore, trail: AuditTrail): Handlers<typeof AccountServiceService> =>
  withAudit(
    AccountServiceService,
    handlers(core),
    trail,
    async (name) => {
      const target = targetNamed(name);
      return (target && (await core.accounts.status(target))) ?? refundsOf(core, name);
    },
    (request) => approveAct(core, request),
  );

const handlers = (core: AdminCore): Handlers<typeof AccountServiceService> => ({
  async freeze({ target, direction, reason, caseId, until }, { call }) {
    const order = {
      direction: directionOf(direction),
      caseId,
      reason,
      until: toExactMoment(until, 'until') ?? END_OF_TIME,
    };
    return { status: toStatus(await freeze(core, toTarget(target), order, signerOf(call))) };
  },

  async unfreeze({ target, caseId }, { call }) {
    return { status: toStatus(await unfreeze(core, toTarget(target), caseId, signerOf(call))) };
  },

  async closeWallet(request, { call }) {
    const walletId = request.walletId.toLowerCase();
    // Nobody repeats it under a key: a wallet that is closed stays as it is.
    const key = systemKey(`close:${walletId}:${crypto.randomUUID()}`);
    await core.money.execute(closeWallet, { walletId, userId: undefined }, key, call);
    return { status: toStatus(await targetStatus(core, { walletId })) };
  },

  async reopenWallet(request) {
    const walletId = request.walletId.toLowerCase();
    return { status: toStatus(await reopenWallet(core, walletId)) };
  },

  async reverseTransfer({ transferId, amount }, { key, call }) {
    const input = { transferId: transferId.toLowerCase(), money: amount && parseAmount(amount) };
    // As nobody in particular: the keys of calls are on the audit trail.
    return { transfer: toTransfer(await reverseTransfer(core, input, key, call), SYSTEM_USER_ID) };
  },

  async getAccountStatus({ target }) {
    return { status: toStatus(await targetStatus(core, toTarget(target))) };
  },
});

/** How much of a transfer was given back. */
async function refundsOf({ money }: AdminCore, id: string): Promise<object | undefined> {
  const { transfer, refundedAmount = 0n } = (await money.transfers.findMany([id])).get(id) ?? {};
  return transfer && { amount: transfer.amount, currency: transfer.currency, refundedAmount };
}

function signerOf({ keyId }: CallInfo): string {
  if (keyId === undefined) throw new InvariantError('a call of admin.v1 without a signature');
  return keyId;
}

const WIRE_DIRECTIONS: Record<FreezeDirection, WireDirection> = {
  out: WireDirection.OUT,
  in: WireDirection.IN,
  both: WireDirection.BOTH,
};

/** Its presence has been validated. */
function directionOf(direction: WireDirection): FreezeDirection {
  const found = (['out', 'in', 'both'] as const).find((name) => WIRE_DIRECTIONS[name] === direction);
  if (!found) throw refuseField('INVALID_FIELD', 'direction', IS_REQUIRED);
  return found;
}

function toStatus({ wallets, freezes }: TargetStatus): AccountStatus {
  return {
    wallets: wallets.map((wallet) => ({ ...wallet, state: WIRE_WALLET_STATES[wallet.state] })),
    freezes: freezes.map(toWireFreeze),
  };
}

function toWireFreeze({ id, target, direction, reason, caseId, until, frozenAt, frozenBy }: Freeze) {
  return {
    freezeId: id,
    walletId: 'walletId' in target ? target.walletId : '',
    userId: 'userId' in target ? target.userId : 0n,
    direction: WIRE_DIRECTIONS[direction],
    reason,
    caseId,
    until: until < END_OF_TIME ? toTimestamp(until) : undefined,
    frozenAt: toTimestamp(frozenAt),
    keyId: frozenBy,
  };
}
