// A ledger batch in memory for tests of rules: what a ledger would have loaded, without a database.
import type { Account } from '../../src/domain/account.ts';
import { Accounts } from '../../src/domain/batch/accounts.ts';
import { Answers } from '../../src/domain/batch/answers.ts';
import { RequestedJobs } from '../../src/domain/batch/jobs.ts';
import { BatchContext, type LedgerBatch } from '../../src/domain/batch/ledger-batch.ts';
import { Limits } from '../../src/domain/batch/limits.ts';
import { Rooms } from '../../src/domain/batch/rooms.ts';
import { Sprinkles } from '../../src/domain/batch/sprinkles.ts';
import { Transfers } from '../../src/domain/batch/transfers.ts';
import { TEST_SEEDS } from '../test-ledger.ts';
import { seededRandom } from './seeded-random.ts';

/** What a batch has beside its accounts. */
export interface Surroundings {
  /** Each as memberKey() writes it. */
  readonly members?: ReadonlySet<string>;
  readonly freeTokens?: ReadonlyMap<string, readonly string[]>;
}

/** A batch at a moment over these accounts. It has the facets that transfers and sprinkles use, and no others. */
export function batchOf(
  at: number,
  accounts: readonly Account[],
  { members = new Set(), freeTokens = new Map() }: Surroundings = {},
): LedgerBatch {
  const context = new BatchContext(seededRandom(7), undefined, { seeds: TEST_SEEDS });
  context.at = at;
  const batch = Object.assign(context, {
    accounts: new Accounts(accounts, context),
    answers: new Answers(new Map(), new Map(), context),
    jobs: new RequestedJobs(context),
    rooms: new Rooms(members),
    sprinkles: new Sprinkles({ sprinkles: [], claims: new Set(), freeTokens }, context),
  }) as LedgerBatch;
  return Object.assign(batch, { limits: new Limits(undefined, batch), transfers: new Transfers(batch) });
}
