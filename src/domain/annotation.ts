// What users attach to what they make, for themselves: a reference, which names one thing, and labels, which group many.
import { isPlainText } from './bounds.ts';
import type { LocalizedText } from './localized-text.ts';
import { refuseField } from './refusal.ts';

/** What a reference and labels can be attached to. */
export const ANNOTATION_SUBJECTS = ['transfer', 'wallet', 'hold', 'gift', 'payout'] as const;

/** A kind of thing that they can be attached to. */
export type AnnotationSubject = (typeof ANNOTATION_SUBJECTS)[number];

/** A label. A key stands once in a request. */
export interface Label {
  readonly key: string;
  readonly value: string;
}

/** A reference and labels, at least one of them. Texts are compared byte by byte, without normalization. */
export interface Annotation {
  /** Empty where there is none. */
  readonly reference: string;
  /** In the order of the request. */
  readonly labels: readonly Label[];
}

/** As it is stored, for the user who attached it: nobody else sees it. */
export interface OwnedAnnotation extends Annotation {
  readonly userId: bigint;
}

/** An annotation as a caller names it, with the prefix of its fields for refusals to point at: `items[3].`, or empty. */
export interface RequestedAnnotation extends Annotation {
  readonly path: string;
}

/** Visible ASCII characters of a reference, and labels of one thing. */
export const MAX_REFERENCE_LENGTH = 128;
export const MAX_LABELS = 20;
/** The labels of all items of one request together, which keeps a batch below 3 MB. */
export const MAX_LABELS_OF_REQUEST = 5000;
/** Bytes of a label's value in UTF-8. */
export const MAX_LABEL_VALUE_BYTES = 256;

const REFERENCE = new RegExp(`^[!-~]{0,${MAX_REFERENCE_LENGTH}}$`);
const LABEL_KEY = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$/;

/** The annotation of a request; undefined where it has neither a reference nor labels. */
export function annotationOf({ reference, labels }: Annotation, path = ''): RequestedAnnotation | undefined {
  return reference === '' && labels.length === 0 ? undefined : { reference, labels, path };
}

/**
 * Refuses INVALID_FIELD, naming the field, for what the contracts forbid: they state these bounds for callers, and the ledger
 * checks them again.
 */
export function checkAnnotation({ reference, labels, path }: RequestedAnnotation): void {
  if (!REFERENCE.test(reference)) {
    throw refuseField('INVALID_FIELD', `${path}reference`, {
      en: `must be at most ${MAX_REFERENCE_LENGTH} visible ASCII characters without spaces`,
      ko: `공백 없이 보이는 ASCII 문자 ${MAX_REFERENCE_LENGTH}자 이하여야 합니다`,
    });
  }
  if (labels.length > MAX_LABELS) {
    throw refuseField('INVALID_FIELD', `${path}labels`, {
      en: `must have at most ${MAX_LABELS} items`,
      ko: `항목이 ${MAX_LABELS}개 이하여야 합니다`,
    });
  }
  const keys = new Set<string>();
  for (const [index, { key, value }] of labels.entries()) {
    const field = `${path}labels[${index}]`;
    if (!LABEL_KEY.test(key)) throw refuseField('INVALID_FIELD', `${field}.key`, KEY_WORDS);
    if (keys.has(key)) throw refuseField('INVALID_FIELD', `${field}.key`, TWICE);
    const isValue = value !== '' && Buffer.byteLength(value) <= MAX_LABEL_VALUE_BYTES && isPlainText(value);
    if (!isValue) throw refuseField('INVALID_FIELD', `${field}.value`, VALUE_WORDS);
    keys.add(key);
  }
}

/**
 * Refuses INVALID_FIELD, naming the list, for items that have too many labels together: each of them may have as many as one
 * thing alone has, but not all.
 */
export function checkLabelCount(items: readonly Pick<Annotation, 'labels'>[], field: string): void {
  const count = items.reduce((sum, { labels }) => sum + labels.length, 0);
  if (count <= MAX_LABELS_OF_REQUEST) return;
  throw refuseField('INVALID_FIELD', field, {
    en: `must have at most ${MAX_LABELS_OF_REQUEST} labels together`,
    ko: `label은 합해서 ${MAX_LABELS_OF_REQUEST}개 이하여야 합니다`,
  });
}

const KEY_WORDS: LocalizedText = {
  en: 'must be 1 to 64 letters, digits, hyphens, underscores, dots or slashes, and begin with a letter or digit',
  ko: '영문자, 숫자, 하이픈, 밑줄, 점, 빗금 1~64자여야 하고 영문자나 숫자로 시작해야 합니다',
};
const TWICE: LocalizedText = {
  en: 'must not name anything twice',
  ko: '같은 값이 두 번 있으면 안 됩니다',
};
const VALUE_WORDS: LocalizedText = {
  en: `must have 1 to ${MAX_LABEL_VALUE_BYTES} bytes, without control or invisible characters`,
  ko: `제어 문자나 보이지 않는 문자 없이 1~${MAX_LABEL_VALUE_BYTES}바이트여야 합니다`,
};
