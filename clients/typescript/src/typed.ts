// Typed calls: the services that ts-proto prints, called like those by name.
import type { CallOptions, SerializedCalls } from './calls.ts';
import type { Identity } from './headers.ts';

/** What a typed client needs of a method in a service definition of ts-proto. */
interface TypedMethod {
  readonly path: string;
  readonly responseStream: boolean;
  requestSerialize(request: never): Uint8Array;
  responseDeserialize(response: Buffer): unknown;
}

/** A service definition of ts-proto, such as `v2Transfer.TransferServiceService`. */
export type TypedService = Readonly<Record<string, TypedMethod>>;

type RequestOf<Method> = Method extends { requestSerialize(request: infer Request): unknown }
  ? Request
  : never;
type ResponseOf<Method> = Method extends { responseDeserialize(response: Buffer): infer Response }
  ? Response
  : never;

/** The calls of a service, with the messages' types. A stream is an async generator, any other answer a promise. */
export type TypedClient<Service extends TypedService> = {
  readonly [Name in keyof Service]: (
    request: RequestOf<Service[Name]>,
    identity?: Identity,
    options?: CallOptions,
  ) => Service[Name] extends { readonly responseStream: true }
    ? AsyncGenerator<ResponseOf<Service[Name]>>
    : Promise<ResponseOf<Service[Name]>>;
};

/** Makes the typed calls of a service. */
export function createTyped<Service extends TypedService>(
  service: Service,
  calls: SerializedCalls,
): TypedClient<Service> {
  const typed = (method: TypedMethod) => {
    const rpc = method.path.slice(1);
    const read = (message: Uint8Array) => method.responseDeserialize(Buffer.from(message));
    const unary = async (request: never, identity: Identity = {}, options: CallOptions = {}) =>
      read(await calls.unary(rpc, method.requestSerialize(request), identity, options));
    const stream = async function* (request: never, identity: Identity = {}, options: CallOptions = {}) {
      for await (const message of calls.stream(rpc, method.requestSerialize(request), identity, options))
        yield read(message);
    };
    return method.responseStream ? stream : unary;
  };
  const methods = Object.entries(service).map(([name, method]) => [name, typed(method)]);
  return Object.fromEntries(methods) as TypedClient<Service>;
}

/**
 * The pages of a list of a typed client, one call after the other:
 * `pagesOf((pageToken) => wallets.listTransactions({ ...request, pageToken }, identity))`.
 */
export async function* pagesOf<Page extends { readonly nextPageToken: string }>(
  nextPage: (pageToken: string) => Promise<Page>,
): AsyncGenerator<Page> {
  let pageToken = '';
  do {
    const page = await nextPage(pageToken);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}
