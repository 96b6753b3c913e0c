// Files that RPCs stream as google.api.HttpBody: their pieces, and whether the last line is there.
import { create, type DescMethod, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { PpuriError } from './error.ts';

/** How the last line of a statement begins, as CSV and as NDJSON. */
const CLOSING = /^(?:CLOSING,|\{"type":"CLOSING")/;
/** Longer than any line of a statement. */
const LONGEST_LINE = 4096;

/** The serialized message of a piece. */
export function serializePiece({ output }: DescMethod, contentType: string, data: Uint8Array): Uint8Array {
  return toBinary(output, create(output, { contentType, data }));
}

/** The bytes of the pieces. */
export async function* bytesOf(
  { output }: DescMethod,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces)
    yield (fromBinary(output, piece) as unknown as { readonly data: Uint8Array }).data;
}

/** Passes the pieces of a file on. Throws a PpuriError (UNAVAILABLE) when they end without the file's last line. */
export async function* whole(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let end = Buffer.alloc(0);
  for await (const piece of pieces) {
    end = Buffer.concat([end, piece.subarray(-LONGEST_LINE)]).subarray(-LONGEST_LINE);
    yield piece;
  }
  const lines = end.toString().split('\n');
  // The last line ends, too.
  if (lines.pop() !== '' || !CLOSING.test(lines.at(-1) ?? ''))
    throw new PpuriError({
      status: status.UNAVAILABLE,
      message: 'the file was cut off before its last line',
    });
}
