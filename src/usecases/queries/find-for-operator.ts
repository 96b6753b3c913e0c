// Finds what an operator has an id of: a transfer, wallet, hold or gift, user, payout, API key, stored answer, or acts on the audit
// trail.
import type { KeptAct } from '../../db/audit.ts';
import type { PayoutView } from '../../db/payouts/index.ts';
import type { Account } from '../../domain/account.ts';
import { ANNOTATION_SUBJECTS, type AnnotationSubject } from '../../domain/annotation.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import type { Hold } from '../../domain/hold.ts';
import type { User } from '../../domain/people.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { StoredAnswer } from '../../ledger/index.ts';
import type { AdminCore, Core } from '../core.ts';
import { withoutSecrets } from './api-keys.ts';

/** What to search: each is left out where the operator's key lacks the scope for it. */
export interface SearchCore {
  /** With the scope read: everything about money and people, of any user. */
  readonly money:
    | Pick<Core, 'transfers' | 'wallets' | 'holds' | 'payouts' | 'users' | 'storedAnswers' | 'annotations'>
    | undefined;
  /** With the scope admin. */
  readonly admin: Pick<AdminCore, 'keyAdmin' | 'audit'> | undefined;
}

/** What was found; of each kind there is at most one, but for acts. */
export interface Found {
  readonly transfer: PostedTransfer | undefined;
  readonly wallet: Account | undefined;
  readonly hold: Hold | undefined;
  readonly payout: PayoutView | undefined;
  readonly user: User | undefined;
  readonly key: ApiKey | undefined;
  /** What is stored under an idempotency key of a user. */
  readonly answer: (StoredAnswer & { readonly userId: bigint; readonly key: string }) | undefined;
  /** What a user gave this reference to: at most one of each kind. */
  readonly referenced: readonly { readonly subject: AnnotationSubject; readonly id: string }[];
  /** The newest acts of the call with this request id. */
  readonly acts: readonly KeptAct[];
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const USER_ID = /^[1-9]\d{0,18}$/;
const KEY_ID = /^ppk_[\w-]{1,60}$/;
const REQUEST_ID = /^[\w.-]{1,64}$/;
/** A user, and an idempotency key or a reference, which belongs to that user: `42/order-7`, or `42 order-7`. */
const USERS_KEY = /^([1-9]\d{0,18})[ /]([\x21-\x7e]{1,128})$/;
const MAX_INT64 = 2n ** 63n - 1n;
const ACTS = 20;

/** Reads nothing that the text has not the form of. There is no check of who may see what is found. */
export async function findForOperator({ money, admin }: SearchCore, text: string): Promise<Found> {
  const id = UUID.test(text) ? text.toLowerCase() : undefined;
  const userId = userIdIn(text);
  const [, ownerText = '', key = ''] = USERS_KEY.exec(text) ?? [];
  const owner = userIdIn(ownerText);
  const [transfer, wallet, hold, payout, user, apiKey, answer, referenced, acts] = await Promise.all([
    id && money?.transfers.findMany([id]).then((found) => found.get(id)),
    id && money?.wallets.find(id),
    id && money?.holds.find(id),
    id && money?.payouts.find(id),
    userId && money?.users.find(userId),
    KEY_ID.test(text) ? admin?.keyAdmin.apiKeys.find(text) : undefined,
    owner && money?.storedAnswers.find(owner, key),
    owner && money ? findReferenced(money, owner, key) : [],
    REQUEST_ID.test(text) ? admin?.audit.list({ ...ALL, requestId: text }, 0n, ACTS) : undefined,
  ]);
  return {
    transfer: transfer || undefined,
    wallet: wallet || undefined,
    hold: hold ? hold.hold : undefined,
    payout: payout || undefined,
    user: user || undefined,
    key: apiKey && withoutSecrets(apiKey),
    answer: answer && owner ? { ...answer, userId: owner, key } : undefined,
    referenced,
    acts: acts?.items ?? [],
  };
}

async function findReferenced(
  { annotations }: Pick<Core, 'annotations'>,
  userId: bigint,
  reference: string,
): Promise<{ subject: AnnotationSubject; id: string }[]> {
  const found = await Promise.all(
    ANNOTATION_SUBJECTS.map(async (subject) => ({
      subject,
      id: await annotations.findSubject(userId, subject, reference),
    })),
  );
  return found.flatMap(({ subject, id }) => (id === undefined ? [] : [{ subject, id }]));
}

const ALL = { keyId: '', rpc: '', target: '', requestId: '', from: undefined, before: undefined };

function userIdIn(text: string): bigint | undefined {
  if (!USER_ID.test(text)) return undefined;
  const id = BigInt(text);
  return id <= MAX_INT64 ? id : undefined;
}
