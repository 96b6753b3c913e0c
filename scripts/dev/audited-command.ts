// Tells the audit trail of what is done with keys from the command line, where no server is between.
import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Act } from '../../src/domain/act.ts';
import { errorText } from '../../src/domain/error-fields.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { getApiKey, type KeyAdmin } from '../../src/usecases/index.ts';
import type { KeyCommand } from './key-admin.ts';

/** Does the work between two lines of the trail. Throws without doing it where the first cannot be written. */
export async function auditedCommand<T>(
  admin: KeyAdmin,
  record: (act: Act) => Promise<void>,
  { command, keyId }: KeyCommand,
  work: (admin: KeyAdmin) => Promise<T>,
): Promise<T> {
  const line = {
    actId: randomUUID(),
    keyId: '',
    actor: `command-line:${userInfo().username}@${hostname()}`,
    clientAddress: '',
    rpc: command,
    target: keyId,
    reason: '',
    requestId: '',
    count: 1,
  };
  const stateOf = async (id: string) => (id === '' ? undefined : getApiKey(admin, id).catch(() => undefined));
  await record({ ...line, outcome: 'attempted' });
  const before = await stateOf(keyId);
  try {
    const result = await work(admin);
    const target = keyId || madeBy(result);
    await record({ ...line, target, outcome: 'done', before, after: await stateOf(target) });
    return result;
  } catch (error) {
    const isRefusal = error instanceof Refusal;
    await record({
      ...line,
      outcome: isRefusal ? 'refused' : 'failed',
      reason: isRefusal ? error.reason : errorText(error),
      before,
    });
    throw error;
  }
}

function madeBy(result: unknown): string {
  return (result as { readonly key?: { readonly id?: string } } | undefined)?.key?.id ?? '';
}
