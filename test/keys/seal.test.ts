// Sealed secrets: they open for their owner alone, under a key that is there, and move to a new key without a gap.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isSealedByOld, open, type SealingKey, seal } from '../../src/keys/seal.ts';

const SECRET = 'a secret that nobody may read 뿌리기';
const old: SealingKey = { id: '2026', key: randomBytes(32) };
const fresh: SealingKey = { id: '2027', key: randomBytes(32) };

test('a sealed secret opens again, and its sealed form reveals nothing', () => {
  const sealed = seal([old], 'owner', SECRET);
  assert.equal(open([old], 'owner', sealed), SECRET);
  assert.ok(!sealed.includes(SECRET) && !Buffer.from(sealed, 'base64').includes(SECRET));
  assert.notEqual(seal([old], 'owner', SECRET), sealed, 'the same secret is never sealed the same way twice');
});

test('a sealed secret does not open for another owner, altered, or without its key; the error reveals nothing', () => {
  const sealed = seal([old], 'owner', SECRET);
  const [id, text = ''] = sealed.split(':');
  const bytes = Buffer.from(text, 'base64');
  bytes[14] = (bytes[14] ?? 0) ^ 1;
  const attempts = [
    () => open([old], 'another owner', sealed),
    () => open([old], 'owner', `${id}:${bytes.toString('base64')}`),
    () => open([old], 'owner', `${id}:`),
    () => open([fresh], 'owner', sealed),
    () => open([{ ...fresh, id: old.id }], 'owner', sealed),
  ];
  for (const attempt of attempts) assert.throws(attempt, (error) => !String(error).includes(SECRET));
});

test('a new key seals, and the old one still opens until everything is resealed', () => {
  const before = seal([old], 'owner', SECRET);
  assert.equal(open([fresh, old], 'owner', before), SECRET);
  assert.ok(isSealedByOld([fresh, old], before));
  const after = seal([fresh, old], 'owner', SECRET);
  assert.ok(!isSealedByOld([fresh, old], after));
  assert.equal(open([fresh], 'owner', after), SECRET);
});
