// What `npm run call` and `npm run curl` share: who calls, what a call requires, and how its result is printed.
import { randomUUID } from 'node:crypto';
import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { RPCS, registry, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import type { Identity } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { type DevInfo, notRunning, readDevInfo, signingKeyIn } from './dev-info.ts';
import { SetupError } from './program.ts';
import { CALL_VARIABLES, checkSigner, readSettings } from './variables.ts';

/** The flags that say who calls. */
export const IDENTITY_FLAGS = {
  user: { type: 'string', short: 'u' },
  room: { type: 'string' },
  key: { type: 'string' },
} as const;

/** The values of IDENTITY_FLAGS. */
export interface IdentityFlags {
  readonly user?: string | undefined;
  readonly room?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Who calls, by the flags and by what the RPC requires. A call that moves money without an idempotency key gets a new one,
 * which is printed, so that the call can be repeated. Throws a SetupError when a flag is missing.
 */
export function identityFor(
  requirements: CallRequirements | undefined,
  { user, room, key }: IdentityFlags,
): Identity {
  if (requirements?.actingUser && user === undefined) {
    throw new SetupError(`${requirements.name} needs the acting user: --user 1001`);
  }
  if (requirements?.room && room === undefined) {
    throw new SetupError(`${requirements.name} needs the room: --room demo`);
  }
  let idempotencyKey = key;
  if (requirements?.idempotencyKey && key === undefined) {
    idempotencyKey = randomUUID();
    console.error(`idempotency-key: ${idempotencyKey}`);
  }
  return { userId: user, roomId: room, idempotencyKey };
}

/** Parses JSON. Throws a SetupError that says where the text is invalid. */
export function parseJson(text: string) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SetupError(`the request is not JSON: ${(error as Error).message}`);
  }
}

/** JSON for people. */
export function pretty(json: unknown): string {
  return typeof json === 'string' ? json : JSON.stringify(json, undefined, 2);
}

/** The running stack, and the key that its calls are signed with. */
export interface SignedStack extends DevInfo {
  readonly key: SigningKey | undefined;
}

/**
 * Makes a call of the running stack and prints its answer, or its error with exit code 1. `make` gets the stack from its
 * argument after it has read the command line.
 */
export async function runCliCall(make: (findStack: () => SignedStack) => Promise<unknown>): Promise<void> {
  const { dataDir, signer } = readSettings(CALL_VARIABLES, checkSigner);
  const findStack = () => {
    const info = readDevInfo(dataDir);
    return { ...info, key: signingKeyIn(info.keys, signer) };
  };
  try {
    const answer = await make(findStack);
    if (answer !== undefined) console.log(pretty(answer));
  } catch (error) {
    console.error(describeError(error, dataDir));
    process.exitCode = 1;
  }
}

/** The error of a call as text. */
export function describeError(error: unknown, dataDir: string): string {
  if (hasNoConnection(error)) return notRunning(dataDir);
  if (!(error instanceof PpuriError)) return error instanceof Error ? error.message : String(error);
  const names = [error.code, error.reason].filter(Boolean).join(' ');
  return [
    `${status[error.status]}${names && ` (${names})`}: ${error.message}`,
    ...error.violations.map(({ field, description }) => `  ${field}: ${description}`),
    ...Object.entries(error.metadata).map(([name, value]) => `  ${name}: ${value}`),
    ...(error.retryAfterMs === undefined ? [] : [`  try again after ${error.retryAfterMs / 1000} s`]),
  ].join('\n');
}

function hasNoConnection(error: unknown): boolean {
  // ppuri and its edge give every refusal a reason, so an error without one means that nothing answered.
  if (error instanceof PpuriError) return error.status === status.UNAVAILABLE && error.reason === '';
  const cause = error instanceof TypeError ? error.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}

/** What a call must bring in its headers: the option `(ppuri.options.v1.call)`. */
export interface CallRequirements {
  /** The RPC's full name: `wallet.v1.WalletService/GetBalance`. */
  readonly name: string;
  readonly actingUser: boolean;
  readonly room: boolean;
  readonly idempotencyKey: boolean;
}

/** What the RPC of this name requires. Throws a SetupError that says what there is when there is no such RPC. */
export function requirementsOf(name: string): CallRequirements {
  const rpc = RPCS.get(name);
  if (rpc) return read(name, rpc);
  const [service] = name.split('/');
  const methods = [...RPCS.keys()].filter((known) => known.startsWith(`${service}/`));
  if (methods.length > 0) {
    const known = methods.map((method) => method.slice(method.indexOf('/') + 1));
    throw new SetupError(`there is no ${name}; ${service} has ${known.join(', ')}`);
  }
  const services = new Set([...RPCS.values()].map(({ parent }) => parent.typeName));
  throw new SetupError(`there is no service ${service}; there are ${[...services].join(', ')}`);
}

/** What the RPC that a REST call reaches requires; undefined when it reaches none. */
export function requirementsOfRoute(method: string, path: string): CallRequirements | undefined {
  const [pathname = ''] = path.split('?');
  for (const [name, rpc] of RPCS) {
    const route = restRouteOf(rpc);
    if (route?.method === method && patternOf(route.path).test(pathname)) return read(name, rpc);
  }
  return undefined;
}

function read(name: string, rpc: DescMethod): CallRequirements {
  const option = registry.getExtension('ppuri.options.v1.call');
  if (!option) throw new Error('gen/descriptor.binpb lacks ppuri.options.v1; run npm run gen');
  const none = { actingUser: false, room: false, idempotencyKey: false };
  // The registry reads the option without a generated type; its fields are those of ppuri.options.v1.Call.
  const call = hasOption(rpc, option)
    ? (getOption(rpc, option) as unknown as Omit<CallRequirements, 'name'>)
    : none;
  return { name, actingUser: call.actingUser, room: call.room, idempotencyKey: call.idempotencyKey };
}

/** A path template as a pattern: `/api/v1/users/{user_id}` takes any one segment for `{user_id}`. */
function patternOf(template: string): RegExp {
  const literals = template.split(/\{\w+\}/).map((text) => text.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literals.join('[^/:]+')}$`);
}
