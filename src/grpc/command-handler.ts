// Handlers of ledger commands: their responses are made from outcomes, so that they can be made again from stored ones.
import type { Any } from '../../gen/ts/google/protobuf/any.ts';
import { InvariantError } from '../domain/error-fields.ts';
import type { Caller } from './caller.ts';
import { contractOf } from './contracts.ts';
import type { Handlers, Method, Service, UnaryHandler } from './handlers.ts';

/** What an RPC with an idempotency key is made of. */
interface Command<Request, Response, Outcome> {
  /** Executes the command, or finds the outcome stored under its idempotency key. */
  execute(request: Request, caller: Caller): Promise<Outcome>;
  toResponse(outcome: Outcome, userId: bigint, request: Request): Response | Promise<Response>;
}

/** Makes the response of an outcome that was stored, read from JSON; GetOutcome has no request at hand. */
type Restore<Response, Outcome> = (outcome: Outcome, userId: bigint) => Response | Promise<Response>;

/** The handler of an RPC with an idempotency key. */
export interface CommandHandler<Request, Response> extends UnaryHandler<Request, Response> {
  restore(outcome: unknown, userId: bigint): Response | Promise<Response>;
}

/**
 * Makes a handler of a command. `restore` is needed only where `toResponse` reads the request.
 *
 * Every RPC whose contract requires an idempotency key has to be one of these; `answerRestorer` checks it at the start.
 */
export function command<Request, Response, Outcome>(
  { execute, toResponse }: Command<Request, Response, Outcome>,
  restore: Restore<Response, Outcome> = toResponse as Restore<Response, Outcome>,
): CommandHandler<Request, Response> {
  const handler = async (request: Request, caller: Caller) =>
    toResponse(await execute(request, caller), caller.userId, request);
  // An outcome is stored by its own RPC, so what comes back is of its own type.
  return Object.assign(handler, { restore: restore as Restore<Response, unknown> });
}

/** Makes the response of an outcome stored under an idempotency key; undefined for an RPC that no longer exists. */
export type RestoreAnswer = (rpc: string, outcome: unknown, userId: bigint) => Promise<Any | undefined>;

/**
 * The restorer of all command handlers of these services. Throws an InvariantError for a service in which a handler is a
 * command and its contract requires no idempotency key, or the other way round.
 */
export function answerRestorer(
  services: readonly { readonly definition: Service; readonly handlers: Handlers<Service> }[],
): RestoreAnswer {
  const commands = new Map<string, { method: Method; handler: CommandHandler<unknown, unknown> }>();
  for (const { definition, handlers } of services) {
    for (const [name, method] of Object.entries(definition as Record<string, Method>)) {
      const handler = handlers[name];
      const isCommand = handler !== undefined && 'restore' in handler;
      if (isCommand !== contractOf(method).rules.idempotencyKey) {
        throw new InvariantError(`${method.path}: an RPC with an idempotency key is made by command()`);
      }
      if (isCommand) {
        commands.set(method.path.slice(1), { method, handler: handler as CommandHandler<unknown, unknown> });
      }
    }
  }
  return async (rpc, outcome, userId) => {
    const found = commands.get(rpc);
    if (!found) return undefined;
    const { method, handler } = found;
    const value = method.responseSerialize(await handler.restore(outcome, userId));
    return { typeUrl: `type.googleapis.com/${contractOf(method).responseType}`, value };
  };
}
