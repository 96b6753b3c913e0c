// A line between a client and a server that can lose what the server says.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to a server's port. */
export interface Line {
  /** Where clients connect. */
  readonly port: number;
  /** From now on nothing that the server says arrives; what clients say still does. */
  loseAnswers(): void;
  close(): void;
}

/** Opens a line to a port on this machine. */
export async function startLine(serverPort: number): Promise<Line> {
  let isLosing = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      if (!isLosing) client.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswers: () => {
      isLosing = true;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
