// A server that a test kills again and again, with others that take its place at once.
import { type ServerProcess, startServerProcess } from './processes.ts';
import { startTcpProxy } from './tcp-proxy.ts';

/** A server with others ready to take its place at the same port. */
export interface ReplaceableServer {
  readonly port: number;
  /** Kills the server; the next one serves when this resolves. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts two servers, so that nobody has to wait for one to start when the other is killed; a kill starts a further one. Where
 * `kills` is given, all that so many kills need serve before this resolves, so that kills may come faster than servers start.
 */
export async function startReplaceableServer(
  env: Record<string, string>,
  kills?: number,
): Promise<ReplaceableServer> {
  const start = () => startServerProcess(env);
  const spares: Promise<ServerProcess>[] = [];
  if (kills === undefined) spares.push(start());
  let current = await start();
  // One after the other: many at once would take each other's time.
  for (let made = 0; made < (kills ?? 0); made++) {
    spares.push(start());
    await spares.at(-1);
  }
  const proxy = await startTcpProxy(current.grpcPort);
  return {
    port: proxy.port,
    kill: async () => {
      const dying = current;
      const next = spares.shift();
      if (!next) throw new Error('no server is left to take the place of the killed one');
      current = await next;
      if (kills === undefined) spares.push(start());
      proxy.leadTo(current.grpcPort);
      await dying.kill();
    },
    stop: async () => {
      proxy.close();
      await Promise.all([current, ...(await Promise.all(spares))].map((server) => server.stop()));
    },
  };
}
