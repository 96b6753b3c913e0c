// Prints the Python client's part of the contracts: descriptors, and a module of messages and RPCs for each version.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, createFileRegistry, type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { contractOptions } from '../openapi/contracts.ts';
import { printRpcs, printRpcTypes } from './rpcs.ts';
import { printTypes } from './stubs.ts';

/** The versions of the API, each a package of the contracts and a module of the client. */
const VERSIONS = ['v1', 'v2'];
/** What the client's classes are made of: the contracts, and what is in the details of an error. */
const FILES = /^(?:wallet\/v[12]|google\/rpc|google\/protobuf)\/|^google\/api\/httpbody/;
const OPTIONS = new Set(['google/protobuf/descriptor.proto']);
const COLUMNS = 100;

/** Prints into a folder, from a file of all contracts with their comments. */
export function printPython(image: string, folder: string): void {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
  const files = [...registry.files].filter(({ proto }) => FILES.test(proto.name) && !OPTIONS.has(proto.name));
  const options = contractOptions([...registry.files]);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, ...parts: readonly string[]) =>
    writeFileSync(join(folder, name), parts.join('\n'));
  write('__init__.py', '"""What `npm run gen` prints from the contracts."""\n');
  write('descriptors.py', descriptorsOf(files));
  for (const version of VERSIONS) {
    const own = files
      .filter(({ proto }) => proto.package === `wallet.${version}` || isAnswer(proto, version))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const title = `"""Messages, enums and RPCs of wallet.${version}. Printed by \`npm run gen\`."""\n`;
    write(`${version}.py`, title, printRuntime(own), printRpcs(own, options));
    write(`${version}.pyi`, title, printTypes(own), printRpcTypes(own));
  }
}

/** Whether a file that others wrote declares what RPCs of a version answer with. */
function isAnswer({ name }: FileDescriptorProto, version: string): boolean {
  return version === 'v2' && name === 'google/api/httpbody.proto';
}

/** The descriptors as a Python module: a FileDescriptorSet in base64, each file behind those that it imports. */
function descriptorsOf(files: readonly DescFile[]): string {
  const names = new Set(files.map(({ proto }) => proto.name));
  const file = inOrder(files).map((desc) => withoutOptions(desc.proto, names));
  const bytes = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file }));
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  return [
    '"""The descriptors of the messages, a FileDescriptorSet. Printed by `npm run gen`."""',
    '',
    'from base64 import b64decode',
    '',
    'DESCRIPTORS = b64decode(',
    '    """',
    ...lines,
    '"""',
    ')',
    '',
  ].join('\n');
}

function inOrder(files: readonly DescFile[]): DescFile[] {
  const ordered = new Set<DescFile>();
  const add = (file: DescFile): void => {
    for (const dependency of file.dependencies) add(dependency);
    if (files.includes(file)) ordered.add(file);
  };
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) add(file);
  return [...ordered];
}

/** A file without comments and options, which are for servers, and without imports that only options need. */
function withoutOptions(proto: FileDescriptorProto, names: ReadonlySet<string>): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name: proto.name,
    package: proto.package,
    syntax: proto.syntax,
    dependency: proto.dependency.filter((name) => names.has(name)),
    messageType: proto.messageType.map(plainMessage),
    enumType: proto.enumType,
  });
}

function plainMessage(message: DescriptorProto): DescriptorProto {
  return create(DescriptorProtoSchema, {
    name: message.name,
    field: message.field.map((field) => ({ ...field, options: undefined })),
    nestedType: message.nestedType.map(plainMessage),
    enumType: message.enumType,
    oneofDecl: message.oneofDecl.map(({ name }) => ({ name })),
    // Only map_entry is left, without which a map would not be one.
    options: message.options && { mapEntry: message.options.mapEntry },
  });
}

/** The classes of a version, which take their shape from the descriptors. */
function printRuntime(files: readonly DescFile[]): string {
  const messages = files.flatMap((file) => file.messages);
  const enums = files.flatMap((file) => file.enums);
  return [
    'from .._pool import enum, message',
    'from ..rpc import Paged, Route, Stream, Unary',
    '',
    ...messages.map(({ name, typeName }) => `${name} = message("${typeName}")`),
    ...enums.flatMap(({ name, typeName, values }) => [
      `${name} = enum("${typeName}")`,
      ...values.map((value) => `${value.name} = ${value.number}`),
    ]),
    '',
  ].join('\n');
}
