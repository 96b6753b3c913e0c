// Tokens: of the right alphabet, drawn evenly, and found also in a room that is almost full.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawFreeTokens, drawToken, TOKEN_COUNT } from '../../src/domain/token.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';

test('a token is 3 letters or digits, and there are 62^3 of them', () => {
  assert.equal(TOKEN_COUNT, 238_328);
  for (let i = 0; i < 1000; i++) assert.match(drawToken(cryptoRandom), /^[A-Za-z0-9]{3}$/);
});

test('every character is equally likely at every place, by chi-squared', () => {
  const draws = 62_000;
  const counts = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  for (let i = 0; i < draws; i++) {
    [...drawToken(cryptoRandom)].forEach((character, place) => {
      counts[place]?.set(character, (counts[place]?.get(character) ?? 0) + 1);
    });
  }
  for (const place of counts) {
    assert.equal(place.size, 62);
    const statistic = [...place.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // With 61 degrees of freedom, a fair draw exceeds this once in a million times.
    assert.ok(statistic < 131, `chi-squared is ${statistic}`);
  }
});

test('in a crowded room the tokens that are left are found; in a full one there is none', () => {
  const all = drawFreeTokens(new Set(), TOKEN_COUNT, cryptoRandom);
  assert.equal(new Set(all).size, TOKEN_COUNT);
  const left = all.splice(0, 3);
  const taken = new Set(all);
  assert.deepEqual(drawFreeTokens(taken, 3, cryptoRandom).sort(), [...left].sort());
  assert.equal(drawFreeTokens(taken, 10, cryptoRandom).length, 3);
  for (const token of left) taken.add(token);
  assert.deepEqual(drawFreeTokens(taken, 1, cryptoRandom), []);
});
