// Makes a file that looks like a segment of WAL in a data folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSegment } from '../../../scripts/recovery/wal-names.ts';

/** Writes the control file of a cluster and a segment with a text in it. Returns the path of the segment in the data folder. */
export function makeWal(dataFolder: string, name: string, clusterId: bigint, text: string): string {
  const id = Buffer.alloc(8);
  id.writeBigUInt64LE(clusterId);
  mkdirSync(join(dataFolder, 'global'), { recursive: true });
  mkdirSync(join(dataFolder, 'pg_wal'), { recursive: true });
  writeFileSync(join(dataFolder, 'global', 'pg_control'), id);
  const header = Buffer.alloc(24);
  const segmentBytes = 16 << 20;
  header.writeBigUInt64LE((parseSegment(name, segmentBytes)?.number ?? 0n) * BigInt(segmentBytes), 8);
  writeFileSync(join(dataFolder, 'pg_wal', name), Buffer.concat([header, id, Buffer.from(text)]));
  return join('pg_wal', name);
}
