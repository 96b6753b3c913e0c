// A REST connection of its own: the edge judges wrong signatures by the connection that they come over.
import { Agent, request } from 'node:http';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { actingAs } from '../api.ts';

const TARGET = '/api/v1/wallet/balance';

/** The parts of an answer that tests read. */
export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** Reads a user's balance over one connection, one call after the other. */
export function restConnection(restUrl: string, userId: number) {
  const { hostname, port } = new URL(restUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (key: SigningKey): Promise<Answered> => {
    const body = Buffer.alloc(0);
    const headers = signedHeaders({ method: 'GET', target: TARGET, body }, actingAs(userId), key);
    return new Promise((resolve, reject) => {
      const outgoing = request({ hostname, port, agent, path: TARGET, headers }, async (answer) => {
        let text = '';
        for await (const chunk of answer) text += chunk;
        resolve({ status: answer.statusCode ?? 0, text, retryAfter: answer.headers['retry-after'] });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  };
  return { call, close: () => agent.destroy() };
}
