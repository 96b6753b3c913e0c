// Loads a gRPC server with messages that were serialized ahead.
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ErrorInfo } from '../../gen/ts/google/rpc/error_details.ts';
import { Status } from '../../gen/ts/google/rpc/status.ts';
import type { Ledger } from './ledger.ts';
import { signedCallAt } from './signed.ts';
import type { Target, Work } from './work.ts';

const asIs = (bytes: Buffer) => bytes;

/** Opens connections of their own: grpc-js would otherwise put all clients of an address on one. */
export function openGrpc(target: Extract<Target, { kind: 'grpc' }>, work: Work): Ledger {
  const clients = Array.from(
    { length: work.connections },
    () =>
      new Client(target.address, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
        // Trying again is the caller's business here: every answer counts as it came.
        'grpc.enable_retries': 0,
      }),
  );
  return {
    ready: (n) => {
      const { call, headers } = signedCallAt(target, n);
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const client = clients[n % clients.length] as Client;
      const body = call.body as Buffer;
      return () =>
        new Promise((resolve) => {
          const deadline = Date.now() + work.timeoutMs;
          client.makeUnaryRequest(call.path, asIs, asIs, body, metadata, { deadline }, (error) =>
            resolve(error ? wordsOf(error) : undefined),
          );
        });
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

/** `FAILED_PRECONDITION SPRINKLE_EMPTY`: the status and our reason, or the message of an error that is not ours. */
function wordsOf(error: ServiceError): string {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const info = Buffer.isBuffer(details)
    ? Status.decode(details).details.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.ErrorInfo'))
    : undefined;
  return `${status[error.code]} ${info ? ErrorInfo.decode(info.value).reason : error.details}`;
}
