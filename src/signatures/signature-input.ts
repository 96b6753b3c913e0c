// Parses a Signature-Input header: the components that a signature covers, and its parameters.
import { type BareItem, isInnerList } from 'structured-headers';
import { MAX_SIGNATURE_INPUT_LENGTH } from './profile.ts';
import { readSoleMember } from './sole-member.ts';

/** A Signature-Input of one signature. */
export interface SignatureInput {
  readonly label: string;
  /** The names of the covered components in their order; undefined for one that is not a plain name. */
  readonly covered: readonly (string | undefined)[];
  readonly parameters: ReadonlyMap<string, BareItem>;
  /** The list and its parameters as serialized by RFC 9651, section 4.1. */
  readonly text: string;
}

/** Undefined when it is too long, malformed, or not of exactly one signature. */
export function readSignatureInput(field: string): SignatureInput | undefined {
  if (field.length > MAX_SIGNATURE_INPUT_LENGTH) return undefined;
  return readPlain(field) ?? readStructured(field);
}

/** Names, strings and integers without escapes, and one space between names. */
const PLAIN =
  /^([a-z*][a-z0-9_.*-]*)=(\("([\w@-]+(?:" "[\w@-]+)*)"\)((?:;[a-z]+=(?:"[\w+/=.-]*"|0|[1-9]\d{0,14}))+))$/;

/**
 * Parses the form that nearly every serializer writes, many times faster than a parser of structured fields. Undefined for
 * every other form.
 */
export function readPlain(field: string): SignatureInput | undefined {
  const [, label, text = '', names = '', written = ''] = PLAIN.exec(field) ?? [];
  if (label === undefined) return undefined;
  const parameters = new Map<string, BareItem>();
  for (const parameter of written.slice(1).split(';')) {
    const [name = ''] = parameter.split('=', 1);
    if (parameters.has(name)) return undefined;
    const value = parameter.slice(name.length + 1);
    parameters.set(name, value.startsWith('"') ? value.slice(1, -1) : Number(value));
  }
  return { label, covered: names.split('" "'), parameters, text };
}

/** Parses every form that RFC 9651 allows. */
export function readStructured(field: string): SignatureInput | undefined {
  const member = readSoleMember(field, MAX_SIGNATURE_INPUT_LENGTH);
  if (member === undefined || !isInnerList(member.value)) return undefined;
  const [items, parameters] = member.value;
  const covered = items.map(([name, itsParameters]) =>
    typeof name === 'string' && itsParameters.size === 0 ? name : undefined,
  );
  return { label: member.label, covered, parameters, text: member.text };
}
