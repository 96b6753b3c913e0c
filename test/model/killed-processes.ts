// Two servers and a worker that are killed now and then, or whose sessions Postgres ends, or whose Redis is emptied, and a client
// that repeats a call under the same key, at the other server, until it has an answer.
import { setTimeout as sleep } from 'node:timers/promises';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { Random } from '../../src/domain/random.ts';
import { type Answer, grpcClient, type Identity, type Json } from '../api-client.ts';
import { startServerProcess, startWorkerProcess } from '../processes.ts';

/** What the client repeats: there was no answer, or one that says to repeat the call. */
const PASSING = ['', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CONFLICT', 'ATTEMPT_SUPERSEDED'];
const RETRY_MS = 20;
/** A kill comes within this time, so that it is in the middle of calls. */
const KILL_WITHIN_MS = 10;

type Environment = Record<string, string>;

/** The processes, and the client. */
export type KilledProcesses = Awaited<ReturnType<typeof startKilledProcesses>>;

/** What they rely on, and what happens to it. */
interface Faults {
  /** Ends all sessions with Postgres. */
  readonly endSessions: () => Promise<unknown>;
  readonly emptyRedis: () => Promise<unknown>;
}

/** Starts two servers, between which calls alternate, and a worker. */
export async function startKilledProcesses(
  [env, workersEnv]: readonly [servers: Environment, workers: Environment],
  key: SigningKey,
  { endSessions, emptyRedis }: Faults,
) {
  const startServer = async () => {
    const process = await startServerProcess(env);
    return { process, client: grpcClient(process.address, key) };
  };
  const [one, other, firstWorker] = await Promise.all([
    startServer(),
    startServer(),
    startWorkerProcess(workersEnv),
  ]);
  // A place is empty from the end of a server until another one has taken it.
  const servers: (typeof one | undefined)[] = [one, other];
  let worker = firstWorker;
  const counts = { calls: 0, repeated: 0, servers: 0, workers: 0, sessions: 0, emptied: 0 };
  let killing: Promise<void> | undefined;
  let turn = 0;
  let isStopped = false;

  const killServer = async (place: number): Promise<void> => {
    counts.servers += 1;
    const dying = servers[place];
    await dying?.process.kill();
    servers[place] = undefined;
    servers[place] = await startServer();
    dying?.client.close();
  };

  const killWorker = async (): Promise<void> => {
    counts.workers += 1;
    await worker.kill();
    worker = await startWorkerProcess(workersEnv);
  };

  const endAllSessions = async (): Promise<void> => {
    counts.sessions += 1;
    await endSessions();
  };

  const empty = async (): Promise<void> => {
    counts.emptied += 1;
    await emptyRedis();
  };

  return {
    counts,
    /** Makes a call. */
    async call(rpc: string, request: Json, identity: Identity): Promise<Answer> {
      counts.calls += 1;
      for (;;) {
        turn = 1 - turn;
        const server = servers[turn] ?? servers[1 - turn];
        if (!server) throw new Error('there is no server');
        const answer = await server.client.call(rpc, request, identity);
        if (answer.status === 0 || !PASSING.includes(answer.reason)) return answer;
        if (isStopped) throw new Error('the product has been stopped');
        counts.repeated += 1;
        await sleep(RETRY_MS);
      }
    },
    /**
     * Kills a server, and now and then the worker or all sessions, or empties Redis, in the middle of the next calls, unless that
     * is under way. Another process takes the place of one that was killed; until then the other server answers.
     */
    killSoon({ below }: Random): void {
      if (killing) return;
      const [afterMs, place, kind] = [below(KILL_WITHIN_MS), below(2), below(7)];
      const kill = () => {
        // The first one is a server in any case.
        if (kind < 3 || counts.servers === 0) return killServer(place);
        if (kind === 3) return killWorker();
        return kind === 4 ? empty() : endAllSessions();
      };
      killing = sleep(afterMs)
        .then(kill)
        .finally(() => {
          killing = undefined;
        });
    },
    async stop(): Promise<void> {
      isStopped = true;
      await killing;
      for (const server of servers) server?.client.close();
      await Promise.all([...servers.map((server) => server?.process.stop()), worker.stop()]);
    },
  };
}
