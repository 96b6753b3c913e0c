// The examples of receipts, with fixed bytes in the place of hashes, salts and signatures, which differ from run to run.
import { hash } from 'node:crypto';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { keepLog } from '../../transparency/kept-log.ts';
import { by, JUNHO, MINJI, NO_ID, type Scene } from './people.ts';
import type { Recorder } from './recorder.ts';

const SERVICE = 'wallet.v2.ReceiptService';
const [RECEIPT, CHECKPOINT] = [`${SERVICE}/GetReceipt`, `${SERVICE}/GetCheckpoint`];
const CONSISTENCY = `${SERVICE}/GetConsistencyProof`;

/** A receipt for the one who was paid, the checkpoint that it leads to, and what is refused. */
export async function receipts(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const log = keepLog(stack.database);
  const lunch = { transfer_id: scene.lunch };
  await record.refused('TRANSFER_NOT_FOUND', RECEIPT, { transfer_id: NO_ID }, by(JUNHO));
  await record.refused('RECEIPT_NOT_READY', RECEIPT, lunch, by(JUNHO));
  await record.refused('RECEIPT_NOT_READY', CHECKPOINT, {}, by(MINJI));
  const sizes = { from_size: '2', to_size: '4' };
  await record.refused('RECEIPT_NOT_READY', CONSISTENCY, sizes, by(MINJI));
  await log.keep();
  await log.stop();
  for (const [rpc, request, user] of [
    [RECEIPT, lunch, JUNHO],
    [CHECKPOINT, {}, MINJI],
    [CONSISTENCY, sizes, MINJI],
  ] as const) {
    const answer = await record.call(rpc, request, by(user));
    record.keep(rpc, request, by(user), [withFixedBytes(answer)]);
  }
}

/** The time of a leaf; hashes in hexadecimal and the id of a key; and everything in base64. */
const BYTES =
  /(?<=^time )\d+$|\b[\da-f]{64}\b|(?<=\+)[\da-f]{8}(?=\+)|(?<=^|[ +])[A-Za-z\d+/]{22,}={0,2}(?=$)/gm;

/** Hashes, salts and signatures as bytes that are the same in every run, and the times of leaves. */
function withFixedBytes(answer: Json): Json {
  const fixed = new Map<string, string>();
  const bytesFor = (text: string, encoding: 'hex' | 'base64') => {
    const { length } = Buffer.from(text, encoding);
    const made =
      fixed.get(text) ??
      Buffer.alloc(length, hash('sha256', `example ${fixed.size}`, 'buffer')).toString(encoding);
    fixed.set(text, made);
    return made;
  };
  const walk = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item)]));
    if (typeof value !== 'string') return value;
    return value.replaceAll(BYTES, (found) => {
      if (/^\d{16}$/.test(found)) return '1767573000250731';
      return bytesFor(found, /^(?:[\da-f]{8}){1,8}$/.test(found) ? 'hex' : 'base64');
    });
  };
  return walk(answer) as Json;
}
