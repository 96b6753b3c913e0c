// Adds lines to a draft of a payout.
import { checkAnnotation } from '../../domain/annotation.ts';
import { checkCount, checkMemo, MAX_ITEMS } from '../../domain/bounds.ts';
import {
  checkLineKey,
  isSameLine,
  MAX_PAYOUT_LINES,
  type Payout,
  type PayoutLine,
  type RequestedLine,
  validateLines,
} from '../../domain/payout.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** The result. */
export interface AddedLines {
  readonly payout: Payout;
  /** The lines that will not be paid. */
  readonly bad: readonly PayoutLine[];
}

/**
 * Adds lines, numbered from `firstLine`, which must follow the last line of the draft. Lines that are already there are not
 * added again, and their errors are returned again. Refuses PAYOUT_NOT_FOUND, PAYOUT_STARTED, LINE_OUT_OF_ORDER.
 */
export async function addPayoutLines(
  { payouts }: Core,
  userId: bigint,
  payoutId: string,
  firstLine: number,
  lines: readonly RequestedLine[],
): Promise<AddedLines> {
  checkCount(lines.length, MAX_ITEMS, 'lines');
  checkCount(firstLine, MAX_PAYOUT_LINES, 'first_line');
  for (const [index, { memo, key, annotation }] of lines.entries()) {
    checkMemo(memo, `lines[${index}].memo`);
    checkLineKey(key, `lines[${index}].key`);
    if (annotation) checkAnnotation(annotation);
  }
  const last = firstLine + lines.length - 1;
  if (last > MAX_PAYOUT_LINES) {
    throw refuseField('INVALID_FIELD', 'first_line', {
      en: `a payout has at most ${MAX_PAYOUT_LINES} lines`,
      ko: `일괄 지급은 ${MAX_PAYOUT_LINES}줄까지입니다`,
    });
  }
  const added = await payouts.withDraft(userId, payoutId, async (draft) => {
    const { payout } = draft;
    const next = payout.lineCount + 1;
    if (last < next) {
      const known = await draft.linesBetween(firstLine, last);
      const other = known.find((line, index) => !isSameLine(line, lines[index] as RequestedLine));
      if (other)
        throw refuseField('LINE_OUT_OF_ORDER', 'first_line', {
          en: `line ${other.line} is another one`,
          ko: `${other.line}번째 줄이 이미 있는 줄과 다릅니다`,
        });
      return { payout, lines: known };
    }
    if (payout.state !== 'draft') throw refuseField('PAYOUT_STARTED', 'payout_id');
    if (firstLine !== next) {
      throw refuseField('LINE_OUT_OF_ORDER', 'first_line', {
        en: `the next line is ${next}`,
        ko: `다음 줄은 ${next}입니다`,
      });
    }
    const judged = validateLines(payout, firstLine, lines, await draft.load(lines));
    await draft.append(judged);
    return { payout: { ...payout, lineCount: last }, lines: judged };
  });
  if (!added) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
  return { payout: added.payout, bad: added.lines.filter(({ reason }) => reason !== undefined) };
}
