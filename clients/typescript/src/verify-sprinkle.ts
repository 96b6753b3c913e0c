// Checks the proof of a sprinkle: recomputes all shares and who got which from the revealed seed. It calls nobody, and shares no
// code with the server; docs/sprinkles.md has the rules.
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** What the reader of a proof knows by himself, which no server can change afterwards. */
export interface KnownBefore {
  /** The commitment that was shown before the first claim, as base64. Without it a proof proves nothing but its own arithmetic. */
  readonly commitment?: string | undefined;
  /** A claim that the reader made: its user, and the nonce that it sent, as base64. */
  readonly claim?: { readonly userId: string; readonly nonce: string } | undefined;
}

/** What a proof comes to. */
export interface SprinkleVerdict {
  /** Whether every share follows from the seed, and the seed from the commitment. */
  readonly isProven: boolean;
  /** What is wrong, in English, the first of it first; empty when it is proven. */
  readonly problems: readonly string[];
  /** All shares in the order of the claims, then those that nobody claimed, in the smallest unit of the currency. */
  readonly shares: readonly bigint[];
  readonly claimedCount: number;
  /**
   * Claims whose users the proof does not name. Only they and the creator can check what those added to the draw: a server may
   * have chosen it. There are none where the sprinkle does not hide amounts, so any there speak against the server.
   */
  readonly hiddenCount: number;
}

const VERSION = 'ppuri-sprinkle-1';
const MAX_AMOUNT = 2n ** 48n - 1n;
const MAX_HEADCOUNT = 10_000;
const MODES = new Map<unknown, string>([
  ['SPRINKLE_MODE_RANDOM', 'random'],
  ['SPRINKLE_MODE_EQUAL', 'equal'],
]);

/**
 * Checks the answer of GetSprinkleProof, as parsed JSON. Whatever is in it, it returns a verdict within a second and does not
 * throw.
 */
export function verifySprinkle(proof: unknown, known: KnownBefore = {}): SprinkleVerdict {
  try {
    return check(readProof(proof), known);
  } catch (error) {
    if (!(error instanceof NoProof)) throw error;
    return { isProven: false, problems: [error.message], shares: [], claimedCount: 0, hiddenCount: 0 };
  }
}

/** Thrown where the JSON is no proof; the message names the field. */
class NoProof extends Error {}

interface Claim {
  /** Empty where the proof hides it. */
  readonly userId: string;
  readonly nonce: Buffer;
  readonly amount: bigint;
  readonly link: Buffer;
  readonly isInLine: boolean;
}

interface Proof {
  readonly sprinkleId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly headcount: number;
  readonly mode: string;
  readonly floor: bigint;
  readonly ceiling: bigint;
  readonly commitment: Buffer;
  readonly seed: Buffer;
  readonly claims: readonly Claim[];
}

function check(proof: Proof, known: KnownBefore): SprinkleVerdict {
  const { seed, headcount, claims, commitment } = proof;
  const problems: string[] = [];
  if (!isSame(commitment, sha256(...termsOf(proof), seed.toString('hex'))))
    problems.push('the commitment is not that of this seed and these terms');
  if (known.commitment !== undefined && !isSame(commitment, Buffer.from(known.commitment, 'base64')))
    problems.push('the commitment is not the one that was published');
  const shares = sharesOf(proof);
  const users = new Set<string>();
  let chain = commitment;
  for (const [index, claim] of claims.entries()) {
    const name = `claim ${index + 1}`;
    if (claim.userId !== '' && users.size === users.add(claim.userId).size)
      problems.push(`${name}: user ${claim.userId} has claimed before`);
    if (claim.isInLine) problems.push(`${name}: the share was not picked, but the next one in line`);
    else {
      const link = sha256('link', index, claim.userId, claim.nonce.toString('hex'));
      if (claim.userId !== '' && !isSame(link, claim.link))
        problems.push(`${name}: the link is not that of this user and nonce`);
      chain = sha256('chain', chain.toString('hex'), claim.link.toString('hex'));
      const picked = index + numbersOf(seed, `claim ${chain.toString('hex')}`)(headcount - index);
      [shares[index], shares[picked]] = [shares[picked] as bigint, shares[index] as bigint];
    }
    if (claim.amount !== shares[index])
      problems.push(`${name}: the share is ${claim.amount}, and by the seed ${shares[index]}`);
  }
  problems.push(...problemsOfOwn(claims, known.claim));
  const hiddenCount = claims.filter(({ userId }) => userId === '').length;
  return { isProven: problems.length === 0, problems, shares, claimedCount: claims.length, hiddenCount };
}

function problemsOfOwn(claims: readonly Claim[], own: KnownBefore['claim']): string[] {
  if (!own) return [];
  const claim = claims.find(({ userId }) => userId === own.userId);
  if (!claim) return [`the claim of user ${own.userId} is missing`];
  return isSame(claim.nonce, Buffer.from(own.nonce, 'base64'))
    ? []
    : [`the claim of user ${own.userId} has another nonce than the one that was sent`];
}

function termsOf({ sprinkleId, currency, amount, headcount, mode, floor, ceiling }: Proof) {
  return [VERSION, sprinkleId, currency, amount, headcount, mode, floor, ceiling];
}

/** All shares, in the order in which they follow from the seed. */
function sharesOf({ seed, amount, headcount, mode, floor, ceiling }: Proof): bigint[] {
  if (mode === 'equal') return Array.from({ length: headcount }, () => amount / BigInt(headcount));
  const below = numbersOf(seed, 'shares');
  const shares = split(amount - (floor - 1n) * BigInt(headcount), headcount, below).map(
    (share) => share + floor - 1n,
  );
  for (;;) {
    const excess = shares.reduce((sum, share) => (share > ceiling ? sum + share - ceiling : sum), 0n);
    if (excess === 0n) return shares;
    const open = [...shares.keys()].filter((index) => (shares[index] as bigint) < ceiling);
    for (const [index, share] of shares.entries()) if (share > ceiling) shares[index] = ceiling;
    const parts = split(excess + BigInt(open.length), open.length, below);
    for (const [place, index] of open.entries())
      shares[index] = (shares[index] as bigint) + (parts[place] as bigint) - 1n;
  }
}

/** Parts of at least 1, by cutting at distinct points (Floyd's algorithm). */
function split(amount: bigint, count: number, below: (limit: number) => number): bigint[] {
  const cuts = new Set<number>();
  for (let top = Number(amount) - count + 1; top < Number(amount); top++) {
    const cut = below(top) + 1;
    cuts.add(cuts.has(cut) ? top : cut);
  }
  const edges = [0, ...[...cuts].sort((a, b) => a - b), Number(amount)];
  return edges.slice(1).map((edge, index) => BigInt(edge - (edges[index] as number)));
}

/** Numbers from 0 to limit - 1, from HMAC-SHA-512 of a label and a counter: ten of 48 bits from each. */
function numbersOf(seed: Buffer, label: string): (limit: number) => number {
  let counter = 0;
  let queue: number[] = [];
  const next = () => {
    if (queue.length === 0) {
      const block = createHmac('sha512', seed).update(`${label}\n${counter}\n`).digest();
      queue = Array.from({ length: 10 }, (_, place) => block.readUIntBE(6 * place, 6));
      counter += 1;
    }
    return queue.shift() as number;
  };
  return (limit) => {
    // What is above the last whole multiple of the limit would favour small numbers.
    const bound = 2 ** 48 - (2 ** 48 % limit);
    let number = next();
    while (number >= bound) number = next();
    return number % limit;
  };
}

function sha256(...lines: readonly (string | number | bigint)[]): Buffer {
  return hash('sha256', `${lines.join('\n')}\n`, 'buffer');
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function readProof(json: unknown): Proof {
  const proof = readObject(json, 'the proof');
  if (proof.version !== VERSION) throw new NoProof(`version must be ${VERSION}`);
  const amount = readMoney(proof.amount, 'amount');
  const [floor, ceiling] = [
    readMoney(proof.share_floor, 'share_floor'),
    readMoney(proof.share_ceiling, 'share_ceiling'),
  ];
  const headcount = Number(readInteger(proof.headcount, 'headcount', BigInt(MAX_HEADCOUNT)));
  const mode = MODES.get(proof.mode);
  if (!mode) throw new NoProof('mode is not one of the contract');
  const count = BigInt(headcount);
  const isPossible =
    mode === 'equal'
      ? floor.units * count === amount.units && ceiling.units === floor.units
      : floor.units * count <= amount.units && ceiling.units * count >= amount.units;
  if (!isPossible) throw new NoProof('amount cannot be split into such shares');
  const { claims } = proof;
  if (!Array.isArray(claims) || claims.length > headcount)
    throw new NoProof('claims must be a list of at most headcount items');
  return {
    sprinkleId: readText(proof.sprinkle_id, 'sprinkle_id', /^[0-9a-f-]{36}$/),
    currency: amount.currency,
    amount: amount.units,
    headcount,
    mode,
    floor: floor.units,
    ceiling: ceiling.units,
    commitment: readBytes(proof.commitment, 'commitment', 32, 32),
    seed: readBytes(proof.seed, 'seed', 32, 32),
    claims: claims.map((claim, index) => readClaim(claim, `claims[${index}]`)),
  };
}

function readClaim(json: unknown, name: string): Claim {
  const claim = readObject(json, name);
  const userId = claim.user_id === undefined ? '0' : String(claim.user_id);
  if (!/^(?:0|[1-9]\d{0,18})$/.test(userId)) throw new NoProof(`${name}.user_id must be a user's id`);
  const isInLine = claim.in_line === true;
  return {
    userId: userId === '0' ? '' : userId,
    nonce: readBytes(claim.nonce ?? '', `${name}.nonce`, 0, 16),
    amount: readInteger(claim.minor_units, `${name}.minor_units`, MAX_AMOUNT),
    link: readBytes(claim.link ?? '', `${name}.link`, isInLine ? 0 : 32, 32),
    isInLine,
  };
}

function readMoney(json: unknown, name: string) {
  const money = readObject(json, name);
  return {
    currency: readText(money.currency_code, `${name}.currency_code`, /^[A-Z]{3}$/),
    units: readInteger(money.minor_units, `${name}.minor_units`, MAX_AMOUNT),
  };
}

function readObject(json: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new NoProof(`${name} must be an object`);
  return json as Readonly<Record<string, unknown>>;
}

function readText(json: unknown, name: string, pattern: RegExp): string {
  if (typeof json !== 'string' || !pattern.test(json)) throw new NoProof(`${name} is missing or malformed`);
  return json;
}

/** A whole number from 1 to `most`; JSON carries those of 64 bits as strings. */
function readInteger(json: unknown, name: string, most: bigint): bigint {
  const text = typeof json === 'number' || typeof json === 'string' ? String(json) : '';
  if (!/^[1-9]\d{0,15}$/.test(text) || BigInt(text) > most)
    throw new NoProof(`${name} must be a whole number from 1 to ${most}`);
  return BigInt(text);
}

function readBytes(json: unknown, name: string, least: number, most: number): Buffer {
  const bytes = Buffer.from(readText(json, name, /^[A-Za-z0-9+/]{0,64}={0,2}$/), 'base64');
  if (bytes.length < least || bytes.length > most) throw new NoProof(`${name} has a wrong length`);
  return bytes;
}
