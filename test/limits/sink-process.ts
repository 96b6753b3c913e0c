// Answers calls without looking at them, in a process of its own: what forged calls cost to make and to carry, and no more.
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { forkProgram } from '../../scripts/dev/programs.ts';

/** Where calls end that nobody looks at. */
export interface Sink {
  readonly restUrl: string;
  readonly grpcAddress: string;
  stop(): Promise<void>;
}

/** Starts a sink; it answers once this resolves. */
export async function startSink(): Promise<Sink> {
  const program = await forkProgram(new URL(import.meta.url), {});
  const [restPort, grpcPort] = program.firstMessage as [number, number];
  return {
    restUrl: `http://127.0.0.1:${restPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    stop: async () => {
      await program.stop();
    },
  };
}

if (import.meta.main) {
  const rest = createHttp((request, answer) => {
    request.resume();
    request.on('end', () => answer.writeHead(401).end());
  });
  const grpc = createHttp2().on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.on('end', () =>
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' },
        { endStream: true },
      ),
    );
    stream.resume();
  });
  const ports = [];
  for (const server of [rest, grpc]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  process.send?.(ports);
}
