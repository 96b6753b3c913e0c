// Sends calls over gRPC or REST with exactly the given headers, for forgeries.
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { WalletServiceService } from '../../gen/ts/wallet/v1/wallet_service.ts';

/** A call as it goes out. */
export interface Sent {
  readonly method: string;
  readonly target: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A way to send. */
export interface Transport {
  /** A transfer to a user, as this way writes it. */
  transfer(toUserId: number, amount: number): Pick<Sent, 'method' | 'target' | 'body'>;
  /** Where another call that moves money goes. */
  readonly otherTarget: string;
  /** `OK`, or all that the refusal says, without what differs from call to call. */
  send(sent: Sent): Promise<string>;
  close(): void;
}

/** Straight to a server. */
export function overGrpc(address: string): Transport {
  const client = new Client(address, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  const { path, requestSerialize } = WalletServiceService.transfer;
  return {
    otherTarget: WalletServiceService.charge.path,
    close: () => client.close(),
    transfer: (toUserId, amount) => ({
      method: 'POST',
      target: path,
      body: requestSerialize({ toUserId: BigInt(toUserId), amount: BigInt(amount), memo: '' }),
    }),
    send: ({ target, body, headers }) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      return new Promise((resolve) => {
        const options = { deadline: Date.now() + 10_000 };
        client.makeUnaryRequest(target, asIs, asIs, body, metadata, options, (error) => {
          if (!error) return resolve('OK');
          const { status, code, reason, message, violations } = PpuriError.ofGrpc(error);
          return resolve(JSON.stringify({ status, code, reason, message, violations }));
        });
      });
    },
  };
}

/** Through the edge. */
export function overRest(baseUrl: string): Transport {
  return {
    otherTarget: '/api/v1/wallet/charge',
    close: () => {},
    transfer: (toUserId, amount) => ({
      method: 'POST',
      target: '/api/v1/wallet/transfer',
      body: Buffer.from(JSON.stringify({ to_user_id: toUserId, amount })),
    }),
    send: async ({ method, target, body, headers }) => {
      const response = await fetch(baseUrl + target, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(10_000),
      });
      const text = await response.text();
      return response.ok ? 'OK' : `${response.status} ${text}`;
    },
  };
}
