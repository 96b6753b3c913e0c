// Prints messages and enums as a stub file (PEP 484) of Python declares them.
import type { DescEnum, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { commentOf } from '../openapi/contracts.ts';

const INDENT = '    ';
const SCALARS: Partial<Record<ScalarType, string>> = {
  [ScalarType.STRING]: 'str',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.DOUBLE]: 'float',
  [ScalarType.FLOAT]: 'float',
};
const WELL_KNOWN: Readonly<Record<string, string>> = {
  'google.protobuf.Timestamp': 'Timestamp',
  'google.protobuf.Duration': 'Duration',
  'google.protobuf.Any': 'AnyMessage',
};
/** Python's own types for times, which constructors take. */
const TAKEN_AS: Readonly<Record<string, string>> = { Timestamp: 'datetime', Duration: 'timedelta' };

/** The messages and enums of a version. */
export function printTypes(files: readonly DescFile[]): string {
  return [
    'from collections.abc import Iterable, Mapping',
    'from datetime import datetime, timedelta',
    'from typing import Any, ClassVar, Final',
    '',
    'from google.protobuf.any_pb2 import Any as AnyMessage',
    'from google.protobuf.duration_pb2 import Duration',
    'from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer',
    'from google.protobuf.message import Message',
    'from google.protobuf.timestamp_pb2 import Timestamp',
    '',
    'from ..rpc import Paged, Stream, Unary',
    '',
    ...files.flatMap((file) => file.enums.flatMap(printEnum)),
    ...files.flatMap((file) => file.messages.flatMap(printMessage)),
  ].join('\n');
}

/** A comment of the contracts as the documentation of what stands before it. */
export function docOf(comment: string, indent: string): string[] {
  return comment === ''
    ? []
    : [`${indent}"""${comment.replaceAll('\\', '\\\\').replaceAll('\n', `\n${indent}`)}"""`];
}

function printEnum(desc: DescEnum): string[] {
  return [
    `class ${desc.name}(int):`,
    ...docOf(commentOf(desc), INDENT),
    `${INDENT}@classmethod`,
    `${INDENT}def Name(cls, number: int) -> str: ...`,
    `${INDENT}@classmethod`,
    `${INDENT}def Value(cls, name: str) -> ${desc.name}: ...`,
    '',
    ...desc.values.flatMap((value) => [`${value.name}: Final[${desc.name}]`, ...docOf(commentOf(value), '')]),
    '',
  ];
}

function printMessage(desc: DescMessage): string[] {
  const parameters = desc.fields.map((field) => `${INDENT}${INDENT}${field.name}: ${inputOf(field)} = ...,`);
  const init =
    parameters.length === 0
      ? [`${INDENT}def __init__(self) -> None: ...`]
      : [
          `${INDENT}def __init__(`,
          `${INDENT}${INDENT}self,`,
          `${INDENT}${INDENT}*,`,
          ...parameters,
          `${INDENT}) -> None: ...`,
        ];
  return [
    `class ${desc.name}(Message):`,
    ...docOf(commentOf(desc), INDENT),
    ...desc.fields.flatMap(printField),
    ...init,
    '',
  ];
}

/** Messages and lists are changed in place; only other fields can be assigned. */
function printField(field: DescField): string[] {
  const doc = docOf(commentOf(field), INDENT);
  if (field.fieldKind !== 'list' && field.fieldKind !== 'message') {
    return [`${INDENT}${field.name}: ${elementOf(field)}`, ...doc];
  }
  const type =
    field.fieldKind === 'message'
      ? elementOf(field)
      : `Repeated${field.message ? 'Composite' : 'Scalar'}FieldContainer[${elementOf(field)}]`;
  const inner = docOf(commentOf(field), INDENT + INDENT);
  const head = [`${INDENT}@property`, `${INDENT}def ${field.name}(self) -> ${type}:`];
  return inner.length === 0 ? [head[0] ?? '', `${head[1]} ...`] : [...head, ...inner];
}

/** The type of a field, or of a list's element. */
function elementOf(field: DescField): string {
  if (field.fieldKind === 'map') throw new Error(`${field.toString()}: maps are not printed for Python yet`);
  const { message } = field;
  if (message && WELL_KNOWN[message.typeName]) return WELL_KNOWN[message.typeName] ?? '';
  if (message?.typeName.startsWith('google.')) throw new Error(`${message.typeName} is not imported yet`);
  if (message) return message.name;
  if (field.enum) return field.enum.name;
  return SCALARS[field.scalar ?? ScalarType.INT64] ?? 'int';
}

/** What a constructor takes for a field. */
function inputOf(field: DescField): string {
  const element = elementOf(field);
  const own = TAKEN_AS[element] ?? (field.message ? `${element} | Mapping[str, Any]` : element);
  const type = field.enum ? `${own} | str` : own;
  return field.fieldKind === 'list' ? `Iterable[${type}] | None` : `${type} | None`;
}
