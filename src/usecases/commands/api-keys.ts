// Creates, rotates and revokes API keys, and restricts them to networks.
import type { NewKey } from '../../db/people/index.ts';
import type { SealedSeeds } from '../../db/sealed-seeds.ts';
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
} from '../../domain/api-key.ts';
import { checkName } from '../../domain/bounds.ts';
import type { LocalizedText } from '../../domain/localized-text.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import { afterMs, type Micros } from '../../domain/time.ts';
import {
  drawSecret,
  isSealedByOld,
  lieWithin,
  open,
  readNetworks,
  readPublicKey,
  resealSeed,
  seal,
} from '../../keys/index.ts';
import type { KeyAdmin } from '../core.ts';
import { findApiKey, getApiKey, withoutSecrets } from '../queries/api-keys.ts';

/** The properties of a new key. */
export interface CreateKeyInput {
  readonly displayName: string;
  readonly kind: KeyKind;
  /** PEM, for Ed25519 keys; otherwise empty. */
  readonly publicKey: string;
  readonly scopes: readonly Scope[];
  readonly userId: bigint | undefined;
  readonly allowedNetworks: readonly string[];
  readonly ratePerSecond: number | undefined;
  /** Now if undefined. */
  readonly activeFrom: Micros | undefined;
  /** DEFAULT_LIFETIME_MS after activeFrom if undefined. */
  readonly expiresAt: Micros | 'never' | undefined;
}

/** The id of the key that signed the call, whose rights bound the new key's; undefined for operators with database access. */
export type Granter = string | undefined;

/** A new key. Its secret is never shown again; undefined for Ed25519. */
export interface MadeKey {
  readonly key: ApiKey;
  readonly secret: string | undefined;
}

/**
 * Creates a key. Refuses INVALID_FIELD for an invalid public key or network, and for an expiry before its activation;
 * GRANT_TOO_WIDE.
 */
export async function createApiKey(
  admin: KeyAdmin,
  input: CreateKeyInput,
  granter: Granter,
): Promise<MadeKey> {
  checkName(input.displayName);
  readNetworks(input.allowedNetworks, 'allowed_networks');
  const activeFrom = input.activeFrom ?? admin.now();
  const expiresAt = endOf(input.expiresAt, activeFrom);
  if (expiresAt !== undefined && expiresAt <= activeFrom) {
    throw refuseField('INVALID_FIELD', 'expires_at', {
      en: 'must be after active_from',
      ko: 'active_from보다 뒤여야 합니다',
    });
  }
  const { material, secret, id } = drawMaterial(admin, input.kind, input.publicKey);
  const lacking = await lackOf(admin, granter, input);
  if (lacking !== undefined) throw refuseField('GRANT_TOO_WIDE', lacking, MORE_THAN_YOURS);
  const { publicKey: _pem, ...rights } = input;
  const stored = await admin.apiKeys.add({
    ...rights,
    ...material,
    id,
    activeFrom,
    expiresAt,
    replacesId: undefined,
  });
  await admin.announce();
  return { key: withoutSecrets(stored), secret };
}

/**
 * Creates a successor with a key's rights and lifetime; the old key expires after the overlap. Refuses KEY_NOT_FOUND,
 * KEY_NOT_ACTIVE (one that is being replaced already is not active any more), KEY_ROTATION_IN_PROGRESS (its predecessor is
 * still live), GRANT_TOO_WIDE, INVALID_FIELD.
 */
export async function rotateApiKey(
  admin: KeyAdmin,
  oldId: string,
  publicKey: string,
  overlapMs: number,
  granter: Granter,
): Promise<MadeKey & { replaced: ApiKey }> {
  const old = await findApiKey(admin, oldId);
  if (await lackOf(admin, granter, old)) throw refuseField('GRANT_TOO_WIDE', 'key_id', MORE_THAN_YOURS);
  const now = admin.now();
  const endsAt = endOfReplaced(old, now, overlapMs);
  const { material, secret, id } = drawMaterial(admin, old.kind, publicKey);
  const successor: NewKey = {
    ...old,
    ...material,
    id,
    activeFrom: now,
    expiresAt: endOfSuccessor(old, now),
    replacesId: old.id,
  };
  const key = await admin.apiKeys.replace(successor, old.id, endsAt);
  if (key === 'replaced') throw new Refusal('KEY_NOT_ACTIVE');
  if (key === 'two are live') throw new Refusal('KEY_ROTATION_IN_PROGRESS');
  await admin.announce();
  return { key: withoutSecrets(key), secret, replaced: await getApiKey(admin, oldId) };
}

/** Refuses KEY_NOT_FOUND. */
export async function revokeApiKey(admin: KeyAdmin, id: string): Promise<ApiKey> {
  await getApiKey(admin, id);
  await admin.apiKeys.revoke(id, admin.now());
  await admin.announce();
  return getApiKey(admin, id);
}

/** Refuses KEY_NOT_FOUND, INVALID_FIELD, GRANT_TOO_WIDE. */
export async function setAllowedNetworks(
  admin: KeyAdmin,
  id: string,
  networks: readonly string[],
  granter: Granter,
): Promise<ApiKey> {
  readNetworks(networks, 'allowed_networks');
  await getApiKey(admin, id);
  const own = granter === undefined ? [] : (await findApiKey(admin, granter)).allowedNetworks;
  if (!lieWithin(networks, own)) throw refuseField('GRANT_TOO_WIDE', 'allowed_networks', MORE_THAN_YOURS);
  await admin.apiKeys.setAllowedNetworks(id, networks);
  await admin.announce();
  return getApiKey(admin, id);
}

/** How many seeds are sealed again in one statement. */
const SEEDS_AT_ONCE = 500;

/**
 * Encrypts all secrets of API keys and seeds of sprinkles of old key-encryption keys with the current one, so that the old ones
 * can go; returns how many. Without its seed a sprinkle cannot be claimed.
 */
export async function resealSecrets(admin: KeyAdmin, seeds: SealedSeeds): Promise<number> {
  return (await resealKeys(admin)) + (await resealSeeds(admin, seeds));
}

async function resealSeeds({ sealingKeys }: KeyAdmin, seeds: SealedSeeds): Promise<number> {
  let resealed = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const page = await seeds.list(after, SEEDS_AT_ONCE);
    const changed = page.flatMap(({ sprinkleId, sealed }) => {
      const again = resealSeed(sealingKeys, sprinkleId, sealed);
      return again === undefined ? [] : [{ sprinkleId, sealed: again }];
    });
    if (changed.length > 0) await seeds.replace(changed);
    resealed += changed.length;
    if (page.length < SEEDS_AT_ONCE) return resealed;
    after = page.at(-1)?.sprinkleId ?? after;
  }
}

async function resealKeys(admin: KeyAdmin): Promise<number> {
  const old = (await admin.apiKeys.list()).filter(
    ({ sealedSecret }) => sealedSecret !== undefined && isSealedByOld(admin.sealingKeys, sealedSecret),
  );
  for (const { id, sealedSecret = '' } of old) {
    const secret = open(admin.sealingKeys, id, sealedSecret);
    await admin.apiKeys.setSealedSecret(id, seal(admin.sealingKeys, id, secret));
  }
  let others = 0;
  for (const secrets of admin.sealedElsewhere ?? []) {
    for (const { owner, sealed } of await secrets.list()) {
      if (!isSealedByOld(admin.sealingKeys, sealed)) continue;
      await secrets.replace(
        owner,
        sealed,
        seal(admin.sealingKeys, owner, open(admin.sealingKeys, owner, sealed)),
      );
      others += 1;
    }
  }
  return old.length + others;
}

const MORE_THAN_YOURS: LocalizedText = {
  en: 'is more than your own API key has',
  ko: '호출한 API 키가 가진 것보다 넓습니다',
};

/** The field of the first right that exceeds the granter's; undefined if there is none. */
async function lackOf(admin: KeyAdmin, granter: Granter, wanted: Rights): Promise<string | undefined> {
  if (granter === undefined) return undefined;
  return tooWide(await findApiKey(admin, granter), wanted, lieWithin);
}

function endOf(input: CreateKeyInput['expiresAt'], activeFrom: Micros): Micros | undefined {
  if (input === 'never') return undefined;
  return input ?? afterMs(activeFrom, DEFAULT_LIFETIME_MS);
}

function drawMaterial({ random, sealingKeys }: KeyAdmin, kind: KeyKind, publicKey: string) {
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
