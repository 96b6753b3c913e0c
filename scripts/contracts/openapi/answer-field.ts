// What a field looks like in answers, as Envoy's transcoder prints it.
import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { integerAnswer } from './integer.ts';
import type { JsonSchema } from './json.ts';
import { wellKnown } from './well-known.ts';

/** Refers to the schema of a message or an enum. */
export type Refer = (desc: DescMessage | DescEnum) => JsonSchema;

/** The schema of a field in an answer. */
export function answerField(field: DescField, refer: Refer): JsonSchema {
  // Envoy 1.40 crashes on a map entry whose key or value is the zero of its type: it is not on the wire then.
  if (field.fieldKind === 'map')
    throw new Error(`${field.toString()}: no maps in answers, Envoy crashes on them`);
  const single = singleAnswer(field, refer);
  return field.fieldKind === 'list' ? { type: 'array', items: single } : single;
}

/** Whether the field is always there: Envoy prints every zero and empty list, but not an absent message. */
export function isAlwaysThere(field: DescField): boolean {
  if (field.fieldKind === 'list') return true;
  return field.fieldKind !== 'message' && !field.oneof && !field.proto.proto3Optional;
}

function singleAnswer(field: DescField, refer: Refer): JsonSchema {
  if (field.message) return wellKnown(field.message) ?? refer(field.message);
  if (field.enum) return refer(field.enum);
  return scalarSchema(field.scalar ?? ScalarType.STRING);
}

function scalarSchema(type: ScalarType): JsonSchema {
  const integer = integerAnswer(type);
  return integer ?? plainScalar(type);
}

/** The scalars that look alike in requests and answers. */
export function plainScalar(type: ScalarType): JsonSchema {
  switch (type) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.DOUBLE:
      return { type: 'number', format: 'double' };
    case ScalarType.FLOAT:
      return { type: 'number', format: 'float' };
    default:
      return { type: 'string' };
  }
}
