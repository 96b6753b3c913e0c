// The secret with which the archive signs its attestations and the ledger verifies them. Their owners store it in both.
import { randomBytes } from 'node:crypto';
import { Connection, connectionConfig } from '../connection.ts';
import { createNodeGuard } from '../node-guard.ts';
import { ANSWER_LATE_MS, STATEMENT_TIMEOUT_MS } from '../timeouts.ts';

/** The block of SHA-256, in bytes (RFC 2104 fills the key up to it). */
const BLOCK = 64;
const KEY_BYTES = 32;

/** Stores the ledger's secret, or a new one, in both databases. Both URLs must name logins that own them. */
export async function shareArchiveSecret(ledgerUrl: string, archiveUrl: string): Promise<void> {
  const key = Buffer.concat([randomBytes(KEY_BYTES)], BLOCK);
  const pads = [0x36, 0x5c].map((mask) => key.map((byte) => byte ^ mask));
  const kept = await asOwner(ledgerUrl, async (ledger) => {
    await ledger.query(
      'INSERT INTO archive_secret (inner_pad, outer_pad) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      pads,
    );
    return (await ledger.query('SELECT inner_pad, outer_pad FROM archive_secret')).rows[0];
  });
  await asOwner(archiveUrl, (archive) =>
    archive.query(
      `INSERT INTO archive_secret (inner_pad, outer_pad) VALUES ($1, $2)
       ON CONFLICT (is_the_only_row) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad`,
      [kept.inner_pad, kept.outer_pad],
    ),
  );
}

async function asOwner<T>(url: string, work: (client: Connection) => Promise<T>): Promise<T> {
  const client = new Connection(
    connectionConfig({
      ...{ url, guard: createNodeGuard(), statementTimeoutMs: STATEMENT_TIMEOUT_MS },
      answerWithinMs: STATEMENT_TIMEOUT_MS + ANSWER_LATE_MS,
    }),
  );
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
