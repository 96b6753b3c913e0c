// Parses a Signature-Input header: the components that a signature covers, and its parameters.
import { type BareItem, isInnerList } from 'structured-headers';
import { MAX_SIGNATURE_INPUT_LENGTH } from './profile.ts';
import { readSoleMember } from './sole-member.ts';

/** The parameters of our profile; undefined for one that is missing. */
export type Parameters = Readonly<Record<'created' | 'nonce' | 'keyid' | 'alg', BareItem | undefined>>;

/** A Signature-Input of one signature. */
export interface SignatureInput {
  readonly label: string;
  /** The names of the covered components in their order; undefined for one that is not a plain name. */
  readonly covered: readonly (string | undefined)[];
  /** Undefined where there are others than those of our profile. */
  readonly parameters: Parameters | undefined;
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

const NO_PARAMETERS: Parameters = { created: undefined, nonce: undefined, keyid: undefined, alg: undefined };

/**
 * Parses the form that nearly every serializer writes, many times faster than a parser of structured fields. Undefined for
 * every other form, and for other parameters than those of our profile.
 */
export function readPlain(field: string): SignatureInput | undefined {
  const [, label, text = '', names = '', written = ''] = PLAIN.exec(field) ?? [];
  if (label === undefined) return undefined;
  let created: BareItem | undefined;
  let nonce: BareItem | undefined;
  let keyid: BareItem | undefined;
  let alg: BareItem | undefined;
  // In this form no value has a semicolon, and no name an equals sign.
  for (let start = 0, end = 0; start < written.length; start = end) {
    const equals = written.indexOf('=', start);
    const next = written.indexOf(';', equals);
    end = next === -1 ? written.length : next;
    const name = written.slice(start + 1, equals);
    const isText = written[equals + 1] === '"';
    const value = isText ? written.slice(equals + 2, end - 1) : Number(written.slice(equals + 1, end));
    if (name === 'created' && created === undefined) created = value;
    else if (name === 'nonce' && nonce === undefined) nonce = value;
    else if (name === 'keyid' && keyid === undefined) keyid = value;
    else if (name === 'alg' && alg === undefined) alg = value;
    else return undefined;
  }
  return { label, covered: names.split('" "'), parameters: { created, nonce, keyid, alg }, text };
}

/** Parses every form that RFC 9651 allows. */
export function readStructured(field: string): SignatureInput | undefined {
  const member = readSoleMember(field, MAX_SIGNATURE_INPUT_LENGTH);
  if (member === undefined || !isInnerList(member.value)) return undefined;
  const [items, parameters] = member.value;
  const covered = items.map(([name, itsParameters]) =>
    typeof name === 'string' && itsParameters.size === 0 ? name : undefined,
  );
  const isProfile = [...parameters.keys()].every((name) => Object.hasOwn(NO_PARAMETERS, name));
  return {
    label: member.label,
    covered,
    parameters: isProfile ? { ...NO_PARAMETERS, ...Object.fromEntries(parameters) } : undefined,
    text: member.text,
  };
}
