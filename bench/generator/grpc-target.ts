// Calls a gRPC server with messages that were serialized before.
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ErrorInfo } from '../../gen/ts/google/rpc/error_details.ts';
import { Status } from '../../gen/ts/google/rpc/status.ts';
import type { Target, WorkerTask } from './protocol.ts';
import { signedCallAt, type TargetClient } from './target.ts';

const passThrough = (bytes: Buffer) => bytes;

/** Each client has its own connection; by default grpc-js puts all clients of an address on one. */
export function createGrpcTarget(target: Extract<Target, { kind: 'grpc' }>, task: WorkerTask): TargetClient {
  const clients = Array.from(
    { length: task.connections },
    () =>
      new Client(target.address, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
        // Every answer counts, so there are no retries.
        'grpc.enable_retries': 0,
      }),
  );
  return {
    prepare: (n) => {
      const { call, headers } = signedCallAt(target, n);
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const client = clients[n % clients.length] as Client;
      const body = call.body as Buffer;
      return () =>
        new Promise((resolve) => {
          const deadline = Date.now() + task.timeoutMs;
          client.makeUnaryRequest(
            call.path,
            passThrough,
            passThrough,
            body,
            metadata,
            { deadline },
            (error) => resolve(error ? reasonOf(error) : undefined),
          );
        });
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

/** `FAILED_PRECONDITION SPRINKLE_EMPTY`: the status and our reason, or the message of an error that is not ours. */
function reasonOf(error: ServiceError): string {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const info = Buffer.isBuffer(details)
    ? Status.decode(details).details.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.ErrorInfo'))
    : undefined;
  return `${status[error.code]} ${info ? ErrorInfo.decode(info.value).reason : error.details}`;
}
