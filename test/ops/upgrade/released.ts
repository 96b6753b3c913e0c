// The programs of the last release, unpacked from released.tar.gz, which `npm run fixture` makes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hmacKey } from '../../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import { plainKey } from '../../../scripts/cli/key-admin.ts';
import { cryptoRandom } from '../../../src/runtime/crypto-random.ts';
import { SEALING_KEY } from '../../keys.ts';
import type { TestDatabase } from '../../stack.ts';

/** What is imported from a release has the types of today; where they differ too much, the release is too old. */
type Migrating = typeof import('../../../src/db/migrate.ts');
type PeopleModule = typeof import('../../../src/db/people/index.ts');
type ScopeModule = typeof import('../../../src/domain/api-key.ts');
type KeyModule = typeof import('../../../src/usecases/commands/api-keys.ts');

/** A release whose programs can be started. */
export interface Released {
  readonly server: URL;
  readonly worker: URL;
  readonly migrate: Migrating['migrate'];
  /** Imports another module of it. */
  load<T>(path: string): Promise<T>;
  /** Makes users, a room of all of them, and a key that may do everything, by the code of that release. */
  seed(database: TestDatabase, users: readonly number[], room: string): Promise<SigningKey>;
}

const ROOT = join(import.meta.dirname, '..', '..', '..');
const FIXTURE = join(import.meta.dirname, 'released.tar.gz');

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

/** Unpacks it once into .cache; where it runs on other packages than today, these are installed beside it. */
export async function unpackReleased(): Promise<Released> {
  const cache = join(ROOT, '.cache');
  const hash = createHash('sha256').update(readFileSync(FIXTURE)).digest('hex').slice(0, 12);
  const folder = join(cache, `released-${hash}`);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const draft = mkdtempSync(join(cache, 'released-draft-'));
    execFileSync('tar', ['-xzf', FIXTURE, '-C', draft]);
    // Otherwise it finds the packages of this repository, above its folder; what is there besides does not matter.
    if (!packagesOf(draft).isSubsetOf(packagesOf(ROOT)))
      execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: draft, stdio: 'inherit' });
    try {
      renameSync(draft, folder);
    } catch (error) {
      // Somebody else was first.
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  const urlOf = (path: string) => pathToFileURL(join(folder, path));
  const load = async <T>(path: string) => (await import(urlOf(path).href)) as T;
  const { migrate } = await load<Migrating>('src/db/migrate.ts');
  const { createPeople } = await load<PeopleModule>('src/db/people/index.ts');
  const { SCOPES } = await load<ScopeModule>('src/domain/api-key.ts');
  const { createApiKey } = await load<KeyModule>('src/usecases/commands/api-keys.ts');
  return {
    server: urlOf('src/server/main.ts'),
    worker: urlOf('src/worker/main.ts'),
    migrate,
    load,
    seed: async (database, users, room) => {
      await using people = createPeople({ url: database.appUrl, maxConnections: 2 });
      for (const user of users) await people.users.create(BigInt(user), `User ${user}`);
      const [owner = 0, ...members] = users;
      await people.rooms.create({ id: room, displayName: room, ownerUserId: BigInt(owner) });
      for (const member of members) await people.rooms.addMember(room, BigInt(member));
      await using admin = createPeople({ url: database.adminUrl, maxConnections: 1 });
      const keyAdmin = {
        ...{ apiKeys: admin.apiKeys, sealingKeys: [SEALING_KEY] as const, random: cryptoRandom },
        ...{ announce: async () => {}, now: () => Date.now() * 1000 },
      };
      const { key, secret } = await createApiKey(keyAdmin, plainKey('an upgrade', SCOPES), undefined);
      return hmacKey(key.id, secret ?? '');
    },
  };
}

/** The packages that programs run on, with their places and versions. */
function packagesOf(folder: string): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as LockFile;
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .map(([path, { version }]) => `${path} ${version}`),
  );
}
