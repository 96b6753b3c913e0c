// The API key that `npm start` makes for trying things: it may read, pay and fund, for any user.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLive } from '../../src/domain/api-key.ts';
import { createApiKey } from '../../src/usecases/index.ts';
import type { DemoKey } from './dev-json.ts';
import { type KeyAdminConfig, withKeyAdmin } from './key-admin.ts';
import { writeSecret } from './secret-file.ts';

const SCOPES = ['read', 'pay', 'fund'] as const;

/** The demo key of the data folder; made anew when there is none, or when it is not live any more. */
export function loadDemoKey(dataDir: string, place: KeyAdminConfig): Promise<DemoKey> {
  const file = join(dataDir, 'demo-key.secret');
  return withKeyAdmin(place, { command: 'start', keyId: '' }, async (office) => {
    const kept = readKept(file);
    const known = kept && (await office.apiKeys.find(kept.keyId));
    if (kept && known && isLive(known, office.now())) return kept;
    const { key, secret = '' } = await createApiKey(
      office,
      {
        displayName: 'npm start',
        kind: 'hmac-sha256',
        publicKey: '',
        scopes: SCOPES,
        userId: undefined,
        allowedNetworks: [],
        ratePerSecond: undefined,
        activeFrom: undefined,
        expiresAt: undefined,
      },
      undefined,
    );
    const made: DemoKey = { keyId: key.id, secret, scopes: SCOPES };
    writeSecret(file, JSON.stringify(made));
    return made;
  });
}

function readKept(file: string): DemoKey | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DemoKey;
  } catch {
    return undefined;
  }
}
