// The token with which a sprinkle is claimed: 3 random characters.
import type { Random } from './random.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 3;

/** How many tokens there are: 62^3. A room can have as many live sprinkles, and no more. */
export const TOKEN_COUNT = ALPHABET.length ** LENGTH;

/** Draws any token. */
export function drawToken(random: Random): string {
  return tokenAt(random.below(TOKEN_COUNT));
}

/**
 * Draws `count` of the tokens that are not taken, every choice equally likely; fewer if fewer are left. For rooms so full
 * that drawing tokens until one is free would take too long.
 */
export function drawFreeTokens(taken: ReadonlySet<string>, count: number, random: Random): string[] {
  const free: string[] = [];
  for (let index = 0; index < TOKEN_COUNT; index++) {
    const token = tokenAt(index);
    if (!taken.has(token)) free.push(token);
  }
  const wanted = Math.min(count, free.length);
  // The first steps of a Fisher-Yates shuffle: each swaps a token drawn from the rest to the front.
  for (let i = 0; i < wanted; i++) {
    const j = i + random.below(free.length - i);
    [free[i], free[j]] = [free[j] as string, free[i] as string];
  }
  return free.slice(0, wanted);
}

function tokenAt(index: number): string {
  let token = '';
  for (let rest = index, i = 0; i < LENGTH; i++) {
    token += ALPHABET.charAt(rest % ALPHABET.length);
    rest = Math.floor(rest / ALPHABET.length);
  }
  return token;
}
