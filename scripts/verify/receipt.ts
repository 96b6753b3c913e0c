// Checks one receipt, offline: what it says, that the tree has it, and who signed the tree.
import {
  type Checkpoint,
  hashLeaf,
  type LeafFields,
  type LogVerifier,
  parseCheckpoint,
  parseLeaf,
  partyHash,
  SALT_BYTES,
  strictBase64,
  verifyInclusion,
} from '../../src/transparency/index.ts';
import { SetupError } from '../cli/program.ts';

/** A receipt has some 3 KB; what is larger is not parsed. */
export const MOST_RECEIPT_BYTES = 65_536;
const HASH_BYTES = 32;
const MOST_HASHES = 64;

/** A side that the receipt opens. */
export interface OpenedSide {
  readonly party: 'debit' | 'credit';
  readonly userId: bigint | undefined;
  readonly walletId: string;
}

/** What a receipt proves. */
export interface VerifiedReceipt {
  readonly fields: LeafFields;
  readonly sides: readonly OpenedSide[];
  readonly checkpoint: Checkpoint;
}

/**
 * Checks the JSON of a receipt, as GetReceipt answers it over REST or a client prints it. Throws a SetupError that says what
 * does not hold.
 */
export function verifyReceipt(json: string, verifiers: readonly LogVerifier[]): VerifiedReceipt {
  const outer = objectOf(parse(json), 'the receipt');
  const receipt = 'receipt' in outer ? objectOf(outer.receipt, 'receipt') : outer;
  if ('receipt' in outer) onlyFields(outer, ['receipt']);
  const names = ['leaf', 'leaf_index', 'sides', 'inclusion_proof', 'checkpoint'];
  onlyFields(receipt, names);
  const text = textOf(receipt, 'leaf');
  const fields = parseLeaf(text) ?? fail('leaf is not the text of a leaf');
  const index = wholeOf(receipt, 'leaf_index');
  if (index !== BigInt(fields.leaf)) fail('leaf_index is not the number in leaf');
  const sides = listOf(receipt, 'sides', 2).map((side) => openedSide(objectOf(side, 'sides'), fields));
  if (new Set(sides.map(({ party }) => party)).size !== sides.length) fail('sides has a side twice');
  const proof = listOf(receipt, 'inclusion_proof', MOST_HASHES).map((hash) =>
    bytesOf(hash, HASH_BYTES, 'inclusion_proof'),
  );
  const checkpoint = parseCheckpoint(textOf(receipt, 'checkpoint'), verifiers);
  if (typeof checkpoint === 'string') return fail(checkpoint);
  if (!verifyInclusion(hashLeaf(text), fields.leaf, checkpoint.size, proof, checkpoint.root))
    fail('the proof does not lead from the leaf to the root of the checkpoint');
  return { fields, sides, checkpoint };
}

function openedSide(side: Fields, fields: LeafFields): OpenedSide {
  onlyFields(side, ['party', 'user_id', 'wallet_id', 'salt']);
  const party = { RECEIPT_PARTY_DEBIT: 'debit', RECEIPT_PARTY_CREDIT: 'credit' }[textOf(side, 'party')];
  if (party !== 'debit' && party !== 'credit') return fail('party is neither side');
  const userId = wholeOf(side, 'user_id') || undefined;
  const walletId = textOf(side, 'wallet_id');
  const salt = bytesOf(fieldOf(side, 'salt'), SALT_BYTES, 'salt');
  if (partyHash(salt, { userId, accountId: walletId }) !== fields[party])
    fail(`the leaf's hash of its ${party} side is not that of this user and wallet`);
  return { party, userId, walletId };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(json: string): unknown {
  if (json.length > MOST_RECEIPT_BYTES) fail(`it is larger than ${MOST_RECEIPT_BYTES} bytes`);
  try {
    return JSON.parse(json);
  } catch {
    return fail('it is not JSON');
  }
}

function objectOf(value: unknown, name: string): Fields {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : fail(`${name} is not an object`);
}

/** Clients print camelCase, the REST API snake_case; one name for each field. */
const camelCase = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function onlyFields(value: Fields, names: readonly string[]): void {
  const known = new Set(names.flatMap((name) => [name, camelCase(name)]));
  const unknown = Object.keys(value).find((name) => !known.has(name));
  if (unknown !== undefined) fail(`it has an unknown field ${JSON.stringify(unknown.slice(0, 40))}`);
  const twice = names.find((name) => name !== camelCase(name) && name in value && camelCase(name) in value);
  if (twice !== undefined) fail(`it has ${twice} twice`);
}

/** Undefined where the field is left out, which over JSON means empty or zero. */
function fieldOf(value: Fields, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : value[camelCase(name)];
}

function textOf(value: Fields, name: string): string {
  const text = fieldOf(value, name);
  return typeof text === 'string' ? text : fail(`${name} is not a text`);
}

function wholeOf(value: Fields, name: string): bigint {
  const number = fieldOf(value, name) ?? '0';
  const digits = typeof number === 'number' ? String(number) : number;
  if (typeof digits !== 'string' || !/^(0|[1-9]\d{0,18})$/.test(digits))
    return fail(`${name} is not a whole number`);
  return BigInt(digits);
}

function listOf(value: Fields, name: string, most: number): readonly unknown[] {
  const list = fieldOf(value, name) ?? [];
  return Array.isArray(list) && list.length <= most ? list : fail(`${name} is not a list of at most ${most}`);
}

function bytesOf(value: unknown, length: number, name: string): Buffer {
  const bytes = typeof value === 'string' ? strictBase64(value) : undefined;
  return bytes?.length === length ? bytes : fail(`${name} is not ${length} bytes in base64`);
}

function fail(what: string): never {
  throw new SetupError(`the receipt is not valid: ${what}`);
}
