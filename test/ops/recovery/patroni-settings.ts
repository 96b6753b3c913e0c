// Settings of a cluster under Patroni for tests, which are as deployed but for paths: archiving, and TLS of Postgres and etcd.
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findUnprivileged } from '../../../scripts/dev/postgres.ts';
import type { EtcdTls } from '../../../scripts/ops/parts/patroni/etcd.ts';
import { type Authority, makeAuthority } from '../../certificates.ts';

const ARCHIVE_WAL = new URL('../../../scripts/archive-wal.ts', import.meta.url).pathname;

/** All nodes archive into one folder, as deployed, by the program that the archiver's command falls back to. */
export function archiving(folder: string): Record<string, string> {
  const envFile = join(folder, 'backup.env');
  writeFileSync(envFile, `BACKUP_URL="${join(folder, 'archive')}"\n`);
  return {
    archive_mode: 'always',
    archive_command: `${process.execPath} --env-file=${envFile} ${ARCHIVE_WAL} %p`,
  };
}

/** Postgres speaks TLS. */
export function postgresTls(authority: Authority): Record<string, string> {
  const { certFile, keyFile } = authority.issue('postgres.test');
  const { user } = findUnprivileged();
  chmodSync(keyFile, 0o600);
  if (user) chownSync(keyFile, user.uid, user.gid);
  return { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile };
}

/** Patroni runs as Postgres' user, and reads the key too. */
export function etcdTls(folder: string, address: string): EtcdTls {
  const etcdAuthority = makeAuthority(folder, 'etcd');
  const files = etcdAuthority.issue('etcd.test', address);
  chmodSync(files.keyFile, 0o644);
  return { caFile: etcdAuthority.caFile, ...files };
}
