// A signed payment with further headers, such as a traceparent, straight to a server or through the edge.
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { withKey } from '../api.ts';
import type { Transport } from '../auth/send.ts';

/** Pays 1 won from one user to another; `OK`, or what the refusal says. */
export function pay(
  transport: Transport,
  key: SigningKey,
  [from, to]: readonly [number, number],
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const request = transport.transfer(to, 1);
  return transport.send({
    ...request,
    headers: { ...signedHeaders(request, withKey(from), key), ...headers },
  });
}

/** A traceparent that asks to be sampled, with the id of its trace. */
export function newTraceparent(): { readonly traceId: string; readonly traceparent: string } {
  const traceId = crypto.randomUUID().replaceAll('-', '');
  return { traceId, traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
}
