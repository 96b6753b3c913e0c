// Reads a header that is a structured dictionary (RFC 9651, section 3.2) of exactly one member, as both of a signature's are.
import { type InnerList, type Item, parseDictionary, serializeDictionary } from 'structured-headers';

export interface SoleMember {
  readonly label: string;
  readonly value: Item | InnerList;
  /** The value in the one form that RFC 9651, section 4.1, gives it. */
  readonly text: string;
}

/**
 * Reads `label=value`. Undefined when it is too long, not well formed, or not exactly one member.
 *
 * A parser of structured fields lets the last of doubled keys win, and reads 017 as 17 and :YQ: as :YQ==:. None of it
 * may pass here: what is read, written down again, must be what was received. Spaces alone may differ, because RFC
 * 9651 leaves a writer some, and no value that we accept has one inside.
 */
export function readSoleMember(field: string, maxLength: number): SoleMember | undefined {
  if (field.length > maxLength) return undefined;
  try {
    const members = parseDictionary(field);
    const [first] = members;
    if (first === undefined || members.size !== 1) return undefined;
    const [label, value] = first;
    const written = serializeDictionary(members);
    if (written !== field && withoutSpaces(written) !== withoutSpaces(field)) return undefined;
    return { label, value, text: written.slice(label.length + 1) };
  } catch {
    return undefined;
  }
}

function withoutSpaces(text: string): string {
  return text.replace(/[ \t]/g, '');
}
