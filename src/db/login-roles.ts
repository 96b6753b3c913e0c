// The roles that the programs log in as. Roles belong to the whole cluster of databases, and another database of it may be
// migrated at the same moment, also by another owner. Nothing here needs a superuser: making a role takes CREATEROLE, and
// changing one takes ADMIN OPTION on it, which its maker has (PostgreSQL 16 and newer).
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SchemaError } from './schema-error.ts';

/** The roles of the programs, each with the password that it gets; without one its login stays as it is. */
export type LoginRoles = Readonly<Record<'ppuri_app' | 'ppuri_worker' | 'ppuri_admin', string | undefined>>;

/** Called with what could not be done, and the statement with which somebody who has more rights does it. */
export type OnWarning = (message: string) => void;

/** How often a change is tried while others change the same role, and how long apart, in milliseconds. */
const MAX_ATTEMPTS = 50;
const PAUSE_MS = 50;

const INSUFFICIENT_PRIVILEGE = '42501';
/** Somebody else has made the role meanwhile: Postgres finds it before it writes, or by the unique index. */
const MADE_MEANWHILE = new Set(['42710', '23505']);
/** Postgres says so, in this language alone, when two sessions change one row of a catalog; the SQLSTATE is XX000. */
const CHANGED_MEANWHILE = /^tuple concurrently (updated|deleted)$/;

/**
 * Makes the roles that don't exist, and sets their passwords.
 * @param owner The login of this connection.
 * @throws SchemaError where a role is missing and this login may not make it.
 */
export async function prepareLoginRoles(
  client: pg.Client,
  owner: string,
  roles: LoginRoles,
  onWarning: OnWarning,
): Promise<void> {
  for (const [role, password] of Object.entries(roles)) {
    const login = password === undefined ? '' : ` LOGIN PASSWORD ${client.escapeLiteral(password)}`;
    await retryRaces(async () => {
      const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
      if (rowCount === 0) await makeRole(client, owner, role, login);
      else if (login) await setPassword(client, owner, role, login, onWarning);
    });
  }
}

async function makeRole(client: pg.Client, owner: string, role: string, login: string): Promise<void> {
  if (await isAllowed(client, `CREATE ROLE ${role}${login}`)) return;
  throw new SchemaError(
    `${owner} may not make the role ${role}: a superuser has to run ALTER ROLE ${client.escapeIdentifier(owner)} CREATEROLE`,
  );
}

async function setPassword(
  client: pg.Client,
  owner: string,
  role: string,
  login: string,
  onWarning: OnWarning,
): Promise<void> {
  if (await isAllowed(client, `ALTER ROLE ${role}${login}`)) return;
  onWarning(
    `the password of ${role} stays as it was, because somebody else made this role; to let ${owner} set it, ` +
      `a superuser has to run GRANT ${role} TO ${client.escapeIdentifier(owner)} WITH ADMIN OPTION`,
  );
}

/** Before it had rights of its own (migration 0051), ppuri_worker was a member of ppuri_app. */
export async function withdrawMembership(client: pg.Client, onWarning: OnWarning): Promise<void> {
  const isMember = async () => {
    const { rowCount } = await client.query(
      `SELECT FROM pg_auth_members WHERE roleid = 'ppuri_app'::regrole AND member = 'ppuri_worker'::regrole`,
    );
    return rowCount !== 0;
  };
  if (!(await isMember())) return;
  await retryRaces(async () => void (await isAllowed(client, 'REVOKE ppuri_app FROM ppuri_worker')));
  // A membership that somebody else granted stays without an error.
  if (!(await isMember())) return;
  onWarning(
    'ppuri_worker still has the rights of ppuri_app, which somebody else granted it; ' +
      'a superuser has to run REVOKE ppuri_app FROM ppuri_worker',
  );
}

/** Runs a statement; returns false where this login lacks the right to. */
async function isAllowed(client: pg.Client, statement: string): Promise<boolean> {
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
}

async function retryRaces(attempt: () => Promise<void>): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRace(error) || attempts === MAX_ATTEMPTS) throw error;
      await sleep(PAUSE_MS * (1 + Math.random()));
    }
  }
}

function isRace(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return MADE_MEANWHILE.has(error.code ?? '') || CHANGED_MEANWHILE.test(error.message);
}
