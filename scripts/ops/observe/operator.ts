// What an operator does while life goes on, over admin.v1: looks at the jobs and has the books reconciled.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../../clients/typescript/src/connection.ts';
import { PpuriError } from '../../../clients/typescript/src/error.ts';
import { hmacKey } from '../../../clients/typescript/src/headers.ts';
import { createApiKey, revokeApiKey } from '../../../src/usecases/index.ts';
import { type KeyAdminConfig, loadKeyEncryptionKeys, plainKey, withKeyAdmin } from '../../cli/key-admin.ts';
import type { Product } from './product.ts';

/**
 * Runs the job reconcile-ledger, which otherwise runs at night and alone has the metrics of its findings. The key for it
 * is revoked afterwards. Throws a PpuriError when a call is refused.
 */
export async function operate({ info, dataDir }: Product): Promise<void> {
  const config: KeyAdminConfig = {
    adminDatabaseUrl: info.adminDatabaseUrl,
    redis: { url: info.redisUrl },
    keyEncryptionKeys: process.env.KEY_ENCRYPTION_KEYS || loadKeyEncryptionKeys(dataDir),
  };
  const create = { command: 'observe', keyId: '' };
  const { key, secret = '' } = await withKeyAdmin(config, create, (admin) =>
    createApiKey(admin, plainKey('npm run observe', ['admin']), undefined),
  );
  const connection = connect(info.adminGrpcAddress, hmacKey(key.id, secret));
  try {
    await whenKnown(() => connection.call('admin.v1.JobService/ListJobs', {}, {}));
    await connection.call('admin.v1.JobService/RunJob', { job: 'reconcile-ledger' }, {});
  } finally {
    connection.close();
    await withKeyAdmin(config, { command: 'observe', keyId: key.id }, (admin) => revokeApiKey(admin, key.id));
  }
}

const KNOWN_WITHIN_MS = 10_000;
const POLL_MS = 250;

/** Servers read the keys again when they are told that there is a new one, which takes some milliseconds. */
async function whenKnown(call: () => Promise<unknown>): Promise<void> {
  for (const giveUpAt = Date.now() + KNOWN_WITHIN_MS; ; await sleep(POLL_MS)) {
    try {
      await call();
      return;
    } catch (error) {
      const isUnknown = error instanceof PpuriError && error.reason === 'AUTHENTICATION_FAILED';
      if (!isUnknown || Date.now() > giveUpAt) throw error;
    }
  }
}
