// The key that `npm run call` and `npm run curl` sign with.
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { DemoKey } from './dev-json.ts';

/** The first key of dev.json, or the one that PPURI_KEY_ID and PPURI_SECRET name. */
export function signingKeyIn(
  keys: readonly DemoKey[],
  env: NodeJS.ProcessEnv = process.env,
): SigningKey | undefined {
  if (env.PPURI_KEY_ID && env.PPURI_SECRET) return hmacKey(env.PPURI_KEY_ID, env.PPURI_SECRET);
  const [key] = keys;
  return key && hmacKey(key.keyId, key.secret);
}
