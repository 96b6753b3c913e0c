// Statements as a login of the system, and tests of those that it may not run.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pg from 'pg';

/** The SQLSTATE of a missing right. */
const DENIED = '42501';

/** A statement that must fail, and the SQLSTATE that it fails with where that is not `insufficient_privilege`. */
export type Forbidden = string | readonly [sql: string, sqlState: string];

/**
 * Tests that a role may not run any of these statements.
 * @param urlsOf The database as the role, and as its owner.
 */
export function refused(
  role: string,
  urlsOf: () => readonly [role: string, owner: string],
  statements: readonly Forbidden[],
): void {
  describe(`${role} may not`, () => {
    for (const forbidden of statements) {
      const [sql, sqlState] = typeof forbidden === 'string' ? [forbidden, DENIED] : forbidden;
      test(sql.replace(/\s+/g, ' '), async () => {
        const [roleUrl, ownerUrl] = urlsOf();
        await assert.rejects(asRole(roleUrl, [sql]), (error: pg.DatabaseError) => {
          assert.equal(error.code, sqlState, error.message);
          return true;
        });
        // Only the right is missing: a superuser without the trigger can do it.
        if (sqlState === DENIED) await asRole(ownerUrl, ['SET session_replication_role = replica', sql]);
      });
    }
  });
}

/** Runs statements in one transaction of a role, which is rolled back; returns the rows of the last one. */
export async function asRole(url: string, statements: readonly string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    let rows: unknown[] = [];
    for (const sql of statements) rows = (await client.query(sql)).rows;
    return rows;
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    await client.end();
  }
}
