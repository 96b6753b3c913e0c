// Reads a header that is a structured dictionary (RFC 9651, section 3.2) of exactly one member, as both of a signature's are.
import { type InnerList, type Item, parseDictionary, serializeDictionary } from 'structured-headers';

/** The only member of a dictionary. */
export interface SoleMember {
  readonly label: string;
  readonly value: Item | InnerList;
  /** The value as serialized by RFC 9651, section 4.1. */
  readonly text: string;
}

/**
 * Parses `label=value`. Undefined when it is too long, malformed, or not exactly one member.
 *
 * A parser of structured fields takes the last of repeated keys, and reads 017 as 17 and :YQ: as :YQ==:. All of that is
 * refused here: the parsed value, serialized again, must equal what was received. Only spaces may differ: RFC 9651 makes
 * some optional, and no value that we accept contains one.
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
