// Prints buf/validate/validate.proto into .cache/proto: no npm package ships the file, but the validator embeds its descriptor.
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescMessage,
  ScalarType,
} from '@bufbuild/protobuf';
import { file_buf_validate_validate as file } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

const proto2 = file.edition === 998;

function typeOf(field: DescField | DescExtension): string {
  if (field.fieldKind === 'map') {
    const value = field.mapKind === 'scalar' ? ScalarType[field.scalar].toLowerCase() : '';
    return `map<${ScalarType[field.mapKey].toLowerCase()}, ${value}>`;
  }
  if (field.message) return `.${field.message.typeName}`;
  if (field.enum) return `.${field.enum.typeName}`;
  if (field.scalar) return ScalarType[field.scalar].toLowerCase();
  throw new Error('validate.proto has a field of a kind that this printer does not know');
}

function printField(field: DescField | DescExtension, indent: string): string {
  const label =
    field.fieldKind === 'list'
      ? 'repeated '
      : proto2 && !('oneof' in field && field.oneof)
        ? 'optional '
        : '';
  return `${indent}${label}${typeOf(field)} ${field.name} = ${field.number};\n`;
}

function printEnum(desc: DescEnum, indent: string): string {
  const values = desc.values.map((value) => `${indent}  ${value.name} = ${value.number};\n`).join('');
  return `${indent}enum ${desc.name} {\n${values}${indent}}\n`;
}

function printMessage(desc: DescMessage, indent: string): string {
  const inner = `${indent}  `;
  const plain = desc.fields.filter((field) => !field.oneof).map((field) => printField(field, inner));
  const oneofs = desc.oneofs.map(
    (oneof) =>
      `${inner}oneof ${oneof.name} {\n${oneof.fields.map((field) => printField(field, `${inner}  `)).join('')}${inner}}\n`,
  );
  const ranges = desc.proto.extensionRange.map(
    (range) => `${inner}extensions ${range.start} to ${range.end > 536_870_911 ? 'max' : range.end - 1};\n`,
  );
  const nested = [
    ...desc.nestedEnums.map((nestedEnum) => printEnum(nestedEnum, inner)),
    ...desc.nestedMessages
      .filter((message) => !message.proto.options?.mapEntry)
      .map((message) => printMessage(message, inner)),
  ];
  return `${indent}message ${desc.name} {\n${[...nested, ...plain, ...oneofs, ...ranges].join('')}${indent}}\n`;
}

const text = [
  `syntax = "${proto2 ? 'proto2' : 'proto3'}";\n`,
  `package ${file.proto.package};\n`,
  ...file.dependencies.map((dependency) => `import "${dependency.name}.proto";\n`),
  ...file.extensions.map(
    (extension) => `extend .${extension.extendee.typeName} {\n${printField(extension, '  ')}}\n`,
  ),
  ...file.enums.map((desc) => printEnum(desc, '')),
  ...file.messages.map((desc) => printMessage(desc, '')),
].join('\n');

mkdirSync('.cache/proto/buf/validate', { recursive: true });
writeFileSync('.cache/proto/buf/validate/validate.proto', text);
