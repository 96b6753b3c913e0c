// Streams over REST: one message a line, and no status after the last one.
import type { DescMethod } from '@bufbuild/protobuf';
import { hasCursor, nameOf } from './contracts.ts';
import type { Json } from './messages.ts';

/** Whether a message is the last one of its stream, by RPC. */
const IS_LAST: Readonly<Record<string, (message: Json) => boolean>> = {
  'wallet.v2.PayoutService/WatchPayout': ({ payout }) =>
    ['PAYOUT_STATE_DONE', 'PAYOUT_STATE_CANCELLED'].includes(String((payout as Json | undefined)?.state)),
  'wallet.v2.SprinkleService/WatchSprinkle': ({ sprinkle }) =>
    (sprinkle as Json | undefined)?.state !== 'SPRINKLE_STATE_LIVE',
  'wallet.v2.WalletService/WatchWallet': ({ snapshot }) =>
    (snapshot as Json | undefined)?.state === 'WALLET_STATE_CLOSED',
};

/** Whether a message is the last one of its stream; one that has cursors and no known end goes on for ever. Throws a TypeError for an RPC whose end is not known. */
export function isLastMessage(rpc: DescMethod, message: Json): boolean {
  const isLast = IS_LAST[nameOf(rpc)] ?? (hasCursor(rpc) ? () => false : undefined);
  if (!isLast) throw new TypeError(`the end of ${nameOf(rpc)} is not known over REST; call it over gRPC`);
  return isLast(message);
}

/** The lines of a body, as they come; one that is cut off is left out. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line.trim() !== '');
  }
}
