// Server reflection, v1 and v1alpha, for tools such as grpcurl.
//
// Only the proto files of @grpc/reflection are used. Its service reads descriptors through protobufjs, which merges the files
// of a package, loses imports and drops options, so that clients cannot build what they get.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createFileRegistry, type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Server, type ServerDuplexStream, type ServiceDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** ServerReflectionRequest (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). */
interface ReflectionRequest {
  readonly host: string;
  readonly messageRequest?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType: string; readonly extensionNumber: number };
  readonly allExtensionNumbersOfType?: string;
}
/** ServerReflectionResponse. */
type ReflectionResponse = Readonly<Record<string, unknown>>;

/** Adds reflection over a FileDescriptorSet to a server; `services` are the names that it lists. */
export function addReflection(server: Server, descriptorSet: Uint8Array, services: readonly string[]): void {
  const respond = reflectionOver(descriptorSet, services);
  for (const version of ['v1', 'v1alpha']) {
    server.addService(definitionOf(version), {
      ServerReflectionInfo: (stream: ServerDuplexStream<ReflectionRequest, ReflectionResponse>) => {
        stream.on('data', (request: ReflectionRequest) => stream.write(respond(request)));
        stream.on('end', () => stream.end());
      },
    });
  }
}

function definitionOf(version: string): ServiceDefinition {
  const packageFile = createRequire(import.meta.url).resolve('@grpc/reflection/package.json');
  const file = join(dirname(packageFile), 'build/proto/grpc/reflection', version, 'reflection.proto');
  const definitions = loadSync(file, { longs: String, enums: String, defaults: false, oneofs: true });
  return definitions[`grpc.reflection.${version}.ServerReflection`] as ServiceDefinition;
}

function reflectionOver(
  descriptorSet: Uint8Array,
  services: readonly string[],
): (request: ReflectionRequest) => ReflectionResponse {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const bytesOf = new Map(
    [...registry.files].map((file) => [file, toBinary(FileDescriptorProtoSchema, file.proto)]),
  );
  const byName = new Map([...registry.files].map((file) => [file.proto.name, file]));
  const bySymbol = symbolsOf(registry);
  const extensions = [...registry].filter((type) => type.kind === 'extension');

  const withImports = (file: DescFile | undefined, name: string) => {
    if (!file) return notFound(name);
    const files = new Set<DescFile>();
    collectImports(file, files);
    return { fileDescriptorResponse: { fileDescriptorProto: [...files].map((each) => bytesOf.get(each)) } };
  };
  const extensionsOf = (typeName: string) =>
    extensions.filter(({ extendee }) => extendee.typeName === typeName);

  const answer = (request: ReflectionRequest): ReflectionResponse => {
    switch (request.messageRequest) {
      case 'listServices':
        return { listServicesResponse: { service: services.map((name) => ({ name })) } };
      case 'fileByFilename': {
        const name = request.fileByFilename ?? '';
        return withImports(byName.get(name), name);
      }
      case 'fileContainingSymbol': {
        const symbol = request.fileContainingSymbol ?? '';
        return withImports(bySymbol.get(symbol), symbol);
      }
      case 'fileContainingExtension': {
        const { containingType = '', extensionNumber = 0 } = request.fileContainingExtension ?? {};
        const found = extensionsOf(containingType).find(({ number }) => number === extensionNumber);
        return withImports(found?.file, `${containingType}, extension ${extensionNumber}`);
      }
      case 'allExtensionNumbersOfType': {
        const baseTypeName = request.allExtensionNumbersOfType ?? '';
        if (!registry.getMessage(baseTypeName)) return notFound(baseTypeName);
        const extensionNumber = extensionsOf(baseTypeName).map(({ number }) => number);
        return { allExtensionNumbersResponse: { baseTypeName, extensionNumber } };
      }
      default:
        return {
          errorResponse: {
            errorCode: status.INVALID_ARGUMENT,
            errorMessage: 'the request has no message_request',
          },
        };
    }
  };
  return (request) => ({ validHost: request.host, originalRequest: request, ...answer(request) });
}

function notFound(name: string): ReflectionResponse {
  return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage: `not found: ${name}` } };
}

/** The requested file first, as grpc-go sends it, then all that it imports. */
function collectImports(file: DescFile, into: Set<DescFile>): void {
  into.add(file);
  for (const imported of file.dependencies) if (!into.has(imported)) collectImports(imported, into);
}

/** The file of every symbol, by its full name. */
function symbolsOf(registry: ReturnType<typeof createFileRegistry>): Map<string, DescFile> {
  const files = new Map<string, DescFile>();
  for (const type of registry) {
    files.set(type.typeName, type.file);
    const members =
      type.kind === 'service'
        ? type.methods
        : type.kind === 'message'
          ? [...type.fields, ...type.oneofs]
          : [];
    for (const member of members) files.set(`${type.typeName}.${member.name}`, type.file);
  }
  return files;
}
