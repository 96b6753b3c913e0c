// Holds the names and comments of the code to the words of gRPC, Postgres and Redis: coined ones that were replaced stay out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = new URL('..', import.meta.url).pathname;
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  .toString()
  .split('\n')
  // Released migrations are never edited, and this file has to name what it looks for.
  .filter((file) => /^(src|test|scripts|bench|envoy|clients)\/.*\.(ts|mjs|lua)$/.test(file))
  .filter((file) => file !== 'test/words.test.ts');

/** What was replaced, and by what. */
const COINED: Readonly<Record<string, RegExp>> = {
  'load, tick or readFromReplica': /\blook[A-Z(]|\bLook[A-Z]|\blookout|\blooked\b|\blookUp/,
  'coalesce or mergeReadSets': /\bgather[A-Z(]/,
  'LedgerCommand, execute and readSet': /\bVerbs?\b|\bperform\(|\bneeds:|\bwants\b/,
  'LedgerBatch and UndoLog': /\bBook\b|RoomBook|PayoutBook|OwnedBook|\bJournal\b/,
  InterceptorChains: /\b[Pp]assages/,
  'error-details-interceptor': /last-word|lastWord/,
  'CallContext or SignedRequestView': /\bArrival\b|\bIncomingCall\b|\bReceived[A-Z]\w*/,
  admission: /\b(?:open|start|create)Gate\b|\bVerdict\b|\bGate\b/,
  'cache entries and tombstones': /\b(?:the|of|in|their|our) copies\b|\bbeliev(?:e|es|ed|ing)\b|\bcached\//i,
  singleflight: /\bflights\b/,
  'lru-cache': /ForgetfulMap/,
  'ApiKeyService, job-admin or key-admin': /KeyOffice|\b[Oo]ffice\b/,
  'deadLetter and JobPayload': /\bbury\b|\bParcel\b/,
  cryptoRandom: /\bchance\.|\bChance\b/,
  setRateLimitHeaders: /sayLimits/,
  toRefusal: /\btooMuch\b/,
  recordFailure: /noteFailure/,
  refundGuess: /\bforgive\(/,
  claimShare: /\bgrab\w*/i,
  validateLines: /judgeLines/,
  NO_DEADLINE: /unhurried/i,
  CreateKeyInput: /KeyWish/,
  ReadinessInputs: /\bCircumstances\b/,
  Degradation: /\bLacks?\b/,
  'call-requirements': /\bdemands?\b/i,
  'stale-processes or orphan-guard': /leftovers?/i,
  banner: /\bwelcome\b/i,
  'cli-call': /say-?[cC]all/,
  'fault-harness': /\bhouse\b/i,
  'api-client': /\btellers?\b/i,
  'api-versions': /\bdialects\b|\bdialectOf\b/i,
  'NOT_SELF, KEY_USER_MISMATCH, MESSAGE_TOO_LARGE, PAYOUT_HAS_INVALID_LINES or ROUTE_NOT_FOUND':
    /NOT_YOURS|NOT_ITS_USER|TOO_MUCH\b|PAYOUT_LINES_BAD|NO_SUCH_(?:ROUTE|METHOD|SERVICE)/,
  'a role, such as the caller or the operator': /\bwhoever\b/i,
  'Called for, or Called when': /\bTold (?:of|when|how)\b/,
  'plain English of today':
    /\blest\b|\bthereof\b|\bwhereupon\b|\bhereby\b|\bshall\b|\banew\b|\brightly\b|\ba no\b|\bis looked\b|\bmended?\b/i,
};

for (const [instead, word] of Object.entries(COINED)) {
  test(`the code says ${instead}`, () => {
    const found = FILES.flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (word.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    assert.deepEqual(found, []);
  });
}
