// Coalesces requests that arrive at about the same time into one Redis command.
import type { Breaker } from '../resilience/index.ts';

interface Waiting<Request, Response> {
  readonly request: Request;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commands under way at a time. Requests that arrive meanwhile wait for the first of them to come back and go together: a
 * command costs both sides much more than what is in it, so under load commands grow and their number does not.
 */
const MAX_COMMANDS = 2;

/**
 * Turns `executeAll`, which serves many requests in one command, into a function for one request. Requests of the same turn
 * of the event loop share a command of at most `maxRequests`; a lone request waits for nobody. `executeAll` responds in the
 * order of its requests. Rejects with the error of the command, or of the breaker in front of it.
 */
export function coalesce<Request, Response>(
  breaker: Breaker,
  maxRequests: number,
  executeAll: (requests: readonly Request[]) => Promise<readonly Response[]>,
): (request: Request) => Promise<Response> {
  let waiting: Waiting<Request, Response>[] = [];
  let commands = 0;
  let isScheduled = false;

  const execute = async (batch: readonly Waiting<Request, Response>[]) => {
    try {
      // Counted as one failure for each request: each of them would have failed by itself.
      const responses = await breaker.run(
        () => executeAll(batch.map(({ request }) => request)),
        batch.length,
      );
      for (const [index, { resolve }] of batch.entries()) resolve(responses[index] as Response);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    commands -= 1;
    executeWaiting();
  };

  const executeWaiting = () => {
    isScheduled = false;
    while (waiting.length > 0 && commands < MAX_COMMANDS) {
      const batch = waiting.slice(0, maxRequests);
      waiting = waiting.slice(maxRequests);
      commands += 1;
      void execute(batch);
    }
  };

  return (request) => {
    // While the breaker is half-open, only the request that tries Redis waits for it.
    if (breaker.state() !== 'closed')
      return breaker.run(async () => (await executeAll([request]))[0] as Response);
    return new Promise((resolve, reject) => {
      waiting.push({ request, resolve, reject });
      if (isScheduled || commands >= MAX_COMMANDS) return;
      isScheduled = true;
      setImmediate(executeWaiting);
    });
  };
}
