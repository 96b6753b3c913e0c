// What `npm run call` and `npm run curl` have in common: who calls, and how it is told how it went.
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import type { Identity } from '../../clients/typescript/src/headers.ts';
import type { CallRequirements } from './call-requirements.ts';
import { type DevInfo, dataDirOf, notRunning, readDevInfo } from './dev-json.ts';
import { SetupError } from './setup-error.ts';

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
 * Who calls, by the flags and by what the RPC requires. A call that moves money gets a new idempotency key when it has
 * none; it is told, so that the same call can be made again. Throws a SetupError on a flag that is missing.
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

/** Text that has to be JSON. Throws a SetupError that says where it is not. */
export function parseJson(text: string) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SetupError(`the request is not JSON: ${(error as Error).message}`);
  }
}

/** JSON as people read it. */
export function pretty(json: unknown): string {
  return typeof json === 'string' ? json : JSON.stringify(json, undefined, 2);
}

/**
 * Makes a call of the running stack, which `make` asks for once it has read its command line, and prints the answer, if
 * there is one left, or what went wrong; sets the exit code.
 */
export async function runCliCall(make: (findStack: () => DevInfo) => Promise<unknown>): Promise<void> {
  const dataDir = dataDirOf(process.env);
  try {
    const answer = await make(() => readDevInfo(dataDir));
    if (answer !== undefined) console.log(pretty(answer));
  } catch (error) {
    console.error(describeError(error, dataDir));
    process.exitCode = 1;
  }
}

/** What went wrong with a call, as people read it. */
export function describeError(error: unknown, dataDir: string): string {
  if (hasNoConnection(error)) return notRunning(dataDir);
  if (!(error instanceof PpuriError)) return error instanceof Error ? error.message : String(error);
  const names = [error.code, error.reason].filter(Boolean).join(' ');
  return [
    `${status[error.status]}${names && ` (${names})`}: ${error.message}`,
    ...error.violations.map(({ field, description }) => `  ${field}: ${description}`),
    ...(error.retryAfterMs === undefined ? [] : [`  try again after ${error.retryAfterMs / 1000} s`]),
  ].join('\n');
}

function hasNoConnection(error: unknown): boolean {
  // Our servers and our edge give a reason with every no, so one without it came from nobody.
  if (error instanceof PpuriError) return error.status === status.UNAVAILABLE && error.reason === '';
  const cause = error instanceof TypeError ? error.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}
