// API keys: made, shown, replaced, revoked, and kept to networks.
import type { ApiKeys, NewKey, StoredKey } from '../db/people/api-keys.ts';
import {
  type ApiKey,
  DEFAULT_LIFETIME_MS,
  drawKeyId,
  endOfReplaced,
  endOfSuccessor,
  type KeyKind,
  type Rights,
  type Scope,
  tooWide,
} from '../domain/api-key.ts';
import { checkName } from '../domain/bounds.ts';
import type { Random } from '../domain/random.ts';
import { Refusal, refuseField } from '../domain/refusal.ts';
import { afterMs, type Micros } from '../domain/time.ts';
import type { Words } from '../domain/words.ts';
import { drawSecret, readPublicKey } from '../keys/material.ts';
import { lieWithin, readNetworks } from '../keys/networks.ts';
import { isSealedByOld, open, type SealingKeys, seal } from '../keys/seal.ts';

/** What looking after keys works with. */
export interface KeyOffice {
  readonly apiKeys: ApiKeys;
  readonly sealingKeys: SealingKeys;
  readonly random: Random;
  /** Tells every process that keys have changed. */
  announce(): Promise<void>;
  now(): Micros;
}

/** What a new key is to be. */
export interface KeyWish {
  readonly displayName: string;
  readonly kind: KeyKind;
  /** PEM; for Ed25519 alone. */
  readonly publicKey: string;
  readonly scopes: readonly Scope[];
  readonly userId: bigint | undefined;
  readonly allowedNetworks: readonly string[];
  readonly ratePerSecond: number | undefined;
  /** Now when undefined. */
  readonly activeFrom: Micros | undefined;
  /** DEFAULT_LIFETIME_MS after it begins when undefined. */
  readonly expiresAt: Micros | 'never' | undefined;
}

/** The key that a call was signed with, which bounds what it gives away; undefined for who has the database itself. */
export type Granter = string | undefined;

/** A key that was just made. The secret is here and nowhere else; none for Ed25519. */
export interface MadeKey {
  readonly key: ApiKey;
  readonly secret: string | undefined;
}

/**
 * Refuses INVALID_FIELD for a public key or a network that is none, and for an end that comes before the beginning;
 * GRANT_TOO_WIDE.
 */
export async function createApiKey(office: KeyOffice, wish: KeyWish, granter: Granter): Promise<MadeKey> {
  checkName(wish.displayName);
  readNetworks(wish.allowedNetworks, 'allowed_networks');
  const activeFrom = wish.activeFrom ?? office.now();
  const expiresAt = endOf(wish.expiresAt, activeFrom);
  if (expiresAt !== undefined && expiresAt <= activeFrom) {
    throw refuseField('INVALID_FIELD', 'expires_at', {
      en: 'must be after active_from',
      ko: 'active_from보다 뒤여야 합니다',
    });
  }
  const { material, secret, id } = drawMaterial(office, wish.kind, wish.publicKey);
  const lacking = await lackOf(office, granter, wish);
  if (lacking !== undefined) throw refuseField('GRANT_TOO_WIDE', lacking, MORE_THAN_YOURS);
  const { publicKey: _pem, ...rights } = wish;
  const stored = await office.apiKeys.add({
    ...rights,
    ...material,
    id,
    activeFrom,
    expiresAt,
    replacesId: undefined,
  });
  await office.announce();
  return { key: shown(stored), secret };
}

/** All keys, newest first. */
export async function listApiKeys(office: KeyOffice): Promise<ApiKey[]> {
  return (await office.apiKeys.list()).map(shown);
}

/** Refuses KEY_NOT_FOUND. */
export async function getApiKey(office: KeyOffice, id: string): Promise<ApiKey> {
  return shown(await find(office, id));
}

/**
 * Makes a key with the rights of another one, and as long a life; that one ends after the overlap. Refuses KEY_NOT_FOUND,
 * KEY_NOT_ACTIVE (one that is being replaced already is not active any more), KEY_ROTATION_IN_PROGRESS (the one before that is still
 * live), GRANT_TOO_WIDE, INVALID_FIELD.
 */
export async function rotateApiKey(
  office: KeyOffice,
  oldId: string,
  publicKey: string,
  overlapMs: number,
  granter: Granter,
): Promise<MadeKey & { replaced: ApiKey }> {
  const old = await find(office, oldId);
  if (await lackOf(office, granter, old)) throw refuseField('GRANT_TOO_WIDE', 'key_id', MORE_THAN_YOURS);
  const now = office.now();
  const endsAt = endOfReplaced(old, now, overlapMs);
  const { material, secret, id } = drawMaterial(office, old.kind, publicKey);
  const successor: NewKey = {
    ...old,
    ...material,
    id,
    activeFrom: now,
    expiresAt: endOfSuccessor(old, now),
    replacesId: old.id,
  };
  const key = await office.apiKeys.replace(successor, old.id, endsAt);
  if (key === 'replaced') throw new Refusal('KEY_NOT_ACTIVE');
  if (key === 'two are live') throw new Refusal('KEY_ROTATION_IN_PROGRESS');
  await office.announce();
  return { key: shown(key), secret, replaced: await getApiKey(office, oldId) };
}

/** Refuses KEY_NOT_FOUND. */
export async function revokeApiKey(office: KeyOffice, id: string): Promise<ApiKey> {
  await getApiKey(office, id);
  await office.apiKeys.revoke(id, office.now());
  await office.announce();
  return getApiKey(office, id);
}

/** Refuses KEY_NOT_FOUND, INVALID_FIELD, GRANT_TOO_WIDE. */
export async function setAllowedNetworks(
  office: KeyOffice,
  id: string,
  networks: readonly string[],
  granter: Granter,
): Promise<ApiKey> {
  readNetworks(networks, 'allowed_networks');
  await getApiKey(office, id);
  const own = granter === undefined ? [] : (await find(office, granter)).allowedNetworks;
  if (!lieWithin(networks, own)) throw refuseField('GRANT_TOO_WIDE', 'allowed_networks', MORE_THAN_YOURS);
  await office.apiKeys.setAllowedNetworks(id, networks);
  await office.announce();
  return getApiKey(office, id);
}

/** Seals every secret anew that an old key-encryption key sealed, so that it can be taken away; how many there were. */
export async function resealSecrets(office: KeyOffice): Promise<number> {
  const old = (await office.apiKeys.list()).filter(
    ({ sealedSecret }) => sealedSecret !== undefined && isSealedByOld(office.sealingKeys, sealedSecret),
  );
  for (const { id, sealedSecret = '' } of old) {
    const secret = open(office.sealingKeys, id, sealedSecret);
    await office.apiKeys.setSealedSecret(id, seal(office.sealingKeys, id, secret));
  }
  return old.length;
}

const MORE_THAN_YOURS: Words = {
  en: 'is more than your own API key has',
  ko: '호출한 API 키가 가진 것보다 넓습니다',
};

/** What the granter lacks of these rights, by its field; undefined where it lacks nothing. */
async function lackOf(office: KeyOffice, granter: Granter, wanted: Rights): Promise<string | undefined> {
  if (granter === undefined) return undefined;
  return tooWide(await find(office, granter), wanted, lieWithin);
}

function endOf(wish: KeyWish['expiresAt'], activeFrom: Micros): Micros | undefined {
  if (wish === 'never') return undefined;
  return wish ?? afterMs(activeFrom, DEFAULT_LIFETIME_MS);
}

async function find(office: KeyOffice, id: string): Promise<StoredKey> {
  const key = await office.apiKeys.find(id);
  if (!key) throw refuseField('KEY_NOT_FOUND', 'key_id');
  return key;
}

/** A key without what it signs with: that is nobody's to see, sealed or not. */
function shown({ sealedSecret: _sealed, publicKey: _public, ...key }: StoredKey): ApiKey {
  return key;
}

function drawMaterial({ random, sealingKeys }: KeyOffice, kind: KeyKind, publicKey: string) {
  const id = drawKeyId(random);
  if (kind === 'ed25519') {
    readPublicKey(publicKey, 'public_key');
    return { id, secret: undefined, material: { sealedSecret: undefined, publicKey } };
  }
  if (publicKey !== '')
    throw refuseField('INVALID_FIELD', 'public_key', {
      en: 'must be empty: the server draws the secret',
      ko: '비어 있어야 합니다: 비밀 값은 서버가 만듭니다',
    });
  const secret = drawSecret();
  return { id, secret, material: { sealedSecret: seal(sealingKeys, id, secret), publicKey: undefined } };
}
