// The sealed keys of webhooks, for operators who replace the key-encryption key.
import type { Queries } from '../pool.ts';

/** Secrets of other things than API keys that are sealed under the key-encryption keys. */
export interface SealedSecrets {
  /** Each with the id that it is sealed for; what is sealed several times for one id is there several times. */
  list(): Promise<{ readonly owner: string; readonly sealed: string }[]>;
  /** Puts a secret that was sealed again into the place of the old one, unless that has changed meanwhile. */
  replace(owner: string, old: string, sealed: string): Promise<void>;
}

const LIST = `
  SELECT w.id AS owner, sealed FROM webhooks w, unnest(ARRAY[w.sealed_keys, w.previous_sealed_keys]) AS sealed
  WHERE sealed IS NOT NULL`;
const REPLACE = `
  UPDATE webhooks SET version = version + 1,
    sealed_keys = CASE sealed_keys WHEN $2 THEN $3 ELSE sealed_keys END,
    previous_sealed_keys = CASE previous_sealed_keys WHEN $2 THEN $3 ELSE previous_sealed_keys END
  WHERE id = $1 AND $2 IN (sealed_keys, previous_sealed_keys)`;

/** Those of webhooks, by a login with the rights of ppuri_admin. */
export function sealedWebhookKeys(db: Queries): SealedSecrets {
  return {
    list: async () => (await db.query<{ owner: string; sealed: string }>(LIST)).rows,
    replace: async (owner, old, sealed) => {
      await db.query(REPLACE, [owner, old, sealed]);
    },
  };
}
