// A TCP proxy between a client and a server that can drop, hold or delay what passes through it.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy in front of a server's port. */
export interface TcpProxy {
  /** Where clients connect. */
  readonly port: number;
  /** From now on nothing that the server says arrives; what clients say still does. */
  loseAnswers(): void;
  /** From now on nothing arrives on either side, and nobody is told. */
  cut(): void;
  /** From now on what clients say is held back; resolves once something is. What the server says still arrives. */
  hold(): Promise<void>;
  /** Lets through what was held back, and everything after it. */
  release(): void;
  /** From now on nothing arrives over the connections that there are, and nobody is told; new ones are as before. */
  silence(): void;
  /** From now on everything arrives so many milliseconds later; in the order in which it was said. */
  slowDown(ms: number): void;
  /** Ends all connections; over new ones everything arrives. */
  reconnect(): void;
  /** Ends all connections; new ones lead to another port. */
  redirect(port: number): void;
  /** From now on new connections lead to another port; those that there are stay where they are. */
  leadTo(port: number): void;
  close(): void;
}

/** Starts a proxy in front of a port on this machine. */
export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  let target = serverPort;
  let losesAnswers = false;
  let isCut = false;
  let delayMs = 0;
  let isHolding = false;
  const held: (() => void)[] = [];
  let noteHeld = () => {};
  const sockets = new Set<Socket>();
  const silenced = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
      socket.on('data', (bytes) => {
        if (isCut || silenced.has(socket) || (losesAnswers && socket === upstream)) return;
        if (isHolding && socket === client) {
          held.push(() => other.write(bytes));
          noteHeld();
        } else if (delayMs === 0) other.write(bytes);
        else setTimeout(() => other.write(bytes), delayMs);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswers: () => {
      losesAnswers = true;
    },
    cut: () => {
      isCut = true;
    },
    hold: () =>
      new Promise((resolve) => {
        isHolding = true;
        noteHeld = resolve;
      }),
    release: () => {
      isHolding = false;
      for (const send of held.splice(0)) send();
    },
    silence: () => {
      for (const socket of sockets) silenced.add(socket);
    },
    slowDown: (ms) => {
      delayMs = ms;
    },
    reconnect: () => {
      losesAnswers = false;
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    redirect: (port) => {
      target = port;
      for (const socket of sockets) socket.destroy();
    },
    leadTo: (port) => {
      target = port;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
