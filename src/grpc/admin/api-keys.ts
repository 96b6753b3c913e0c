// admin.v1.ApiKeyService: API keys, for operators.
import {
  ApiKeyServiceService,
  type CreateApiKeyRequest,
  ApiKeyKind as WireKind,
  ApiKeyState as WireState,
} from '../../../gen/ts/admin/v1/api_key_service.ts';
import { Scope as WireScope } from '../../../gen/ts/ppuri/options/v1/options.ts';
import type { AuditTrail } from '../../domain/act.ts';
import {
  type ApiKey,
  type KeyKind,
  type KeyState,
  keyStateOf,
  SCOPES,
  type Scope,
} from '../../domain/api-key.ts';
import type { CallInfo } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Micros } from '../../domain/time.ts';
import {
  type AdminCore,
  type CreateKeyInput,
  createApiKey,
  getApiKey,
  type KeyAdmin,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
  setAllowedNetworks,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { toExactMoment, toMs, toTimestamp } from '../timestamp.ts';
import { withAudit } from './audit-calls.ts';

const DEFAULT_OVERLAP_MS = 24 * 3_600_000;

/** The handlers of admin.v1.ApiKeyService, with every call on the audit trail. */
export const apiKeyService = (core: AdminCore, trail: AuditTrail): Handlers<typeof ApiKeyServiceService> =>
  withAudit(ApiKeyServiceService, handlers(core.keyAdmin), trail, (id) =>
    getApiKey(core.keyAdmin, id).catch(() => undefined),
  );

const handlers = (admin: KeyAdmin): Handlers<typeof ApiKeyServiceService> => ({
  async createApiKey(request, { call }) {
    const input: CreateKeyInput = {
      displayName: request.displayName,
      kind: request.kind === WireKind.ED25519 ? 'ed25519' : 'hmac-sha256',
      publicKey: request.publicKey,
      scopes: SCOPES.filter((scope) => request.scopes.includes(WIRE_SCOPES[scope])),
      userId: request.userId === 0n ? undefined : request.userId,
      allowedNetworks: request.allowedNetworks,
      ratePerSecond: request.ratePerSecond || undefined,
      activeFrom: toExactMoment(request.activeFrom, 'active_from'),
      expiresAt: endIn(request),
    };
    const { key, secret } = await createApiKey(admin, input, signerOf(call));
    return { apiKey: toWire(key, admin.now()), secret: secret ?? '' };
  },

  async listApiKeys() {
    return { apiKeys: (await listApiKeys(admin)).map((key) => toWire(key, admin.now())) };
  },

  async getApiKey({ keyId }) {
    return { apiKey: toWire(await getApiKey(admin, keyId), admin.now()) };
  },

  async rotateApiKey({ keyId, publicKey, overlap }, { call }) {
    const overlapMs = overlap ? toMs(overlap, 'overlap') : DEFAULT_OVERLAP_MS;
    const { key, secret, replaced } = await rotateApiKey(admin, keyId, publicKey, overlapMs, signerOf(call));
    const now = admin.now();
    return { apiKey: toWire(key, now), secret: secret ?? '', replaced: toWire(replaced, now) };
  },

  async revokeApiKey({ keyId }) {
    return { apiKey: toWire(await revokeApiKey(admin, keyId), admin.now()) };
  },

  async setAllowedNetworks({ keyId, allowedNetworks }, { call }) {
    const key = await setAllowedNetworks(admin, keyId, allowedNetworks, signerOf(call));
    return { apiKey: toWire(key, admin.now()) };
  },
});

/** The key that signed the call. A new key cannot have more rights than this one. */
function signerOf({ keyId }: CallInfo): string {
  if (keyId === undefined) throw new InvariantError('a call of admin.v1 without a signature');
  return keyId;
}

function endIn({ expiresAt, neverExpires }: CreateApiKeyRequest): CreateKeyInput['expiresAt'] {
  const end = toExactMoment(expiresAt, 'expires_at');
  if (neverExpires && end !== undefined) {
    throw refuseField('INVALID_FIELD', 'never_expires', {
      en: 'must be left out where expires_at is set',
      ko: 'expires_at과 함께 쓸 수 없습니다',
    });
  }
  return neverExpires ? 'never' : end;
}

const WIRE_SCOPES: Record<Scope, WireScope> = {
  read: WireScope.READ,
  pay: WireScope.PAY,
  fund: WireScope.FUND,
  admin: WireScope.ADMIN,
  events: WireScope.EVENTS,
};

const WIRE_KINDS: Record<KeyKind, WireKind> = {
  'hmac-sha256': WireKind.HMAC_SHA256,
  ed25519: WireKind.ED25519,
};

const WIRE_STATES: Record<KeyState, WireState> = {
  pending: WireState.PENDING,
  active: WireState.ACTIVE,
  retiring: WireState.RETIRING,
  revoked: WireState.REVOKED,
  expired: WireState.EXPIRED,
};

function toWire(key: ApiKey, now: Micros) {
  const moment = (at: Micros | undefined) => (at === undefined ? undefined : toTimestamp(at));
  return {
    keyId: key.id,
    displayName: key.displayName,
    kind: WIRE_KINDS[key.kind],
    state: WIRE_STATES[keyStateOf(key, now)],
    scopes: key.scopes.map((scope) => WIRE_SCOPES[scope]),
    userId: key.userId ?? 0n,
    allowedNetworks: [...key.allowedNetworks],
    ratePerSecond: key.ratePerSecond ?? 0,
    createdAt: toTimestamp(key.createdAt),
    activeFrom: toTimestamp(key.activeFrom),
    revokedAt: moment(key.revokedAt),
    expiresAt: moment(key.expiresAt),
    useCount: key.useCount,
    lastUsedAt: moment(key.lastUsedAt),
    replacesKeyId: key.replacesId ?? '',
  };
}
