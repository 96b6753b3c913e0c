// A ppuri of its own with the operators' tools of metrics and life in it, on free ports and in a temporary folder.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, findFreePorts } from '../../dev/ports.ts';
import { live } from './life.ts';
import { operate } from './operator.ts';
import { type Product, startProduct } from './product.ts';
import { type Stack, startStack } from './stack.ts';

/** Starts it, and says where it is; `owner` stops it and removes its data. Throws a SetupError when ppuri itself cannot be had. */
export async function startThrowaway(
  owner: AsyncDisposableStack,
  log: (line: string) => void,
): Promise<Stack & { readonly product: Product }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-observed-'));
  owner.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  // PostgreSQL may run as another user than we do.
  chmodSync(dataDir, 0o711);
  const env = { ...environmentOf(await findFreePorts()), DATA_DIR: dataDir };
  const product = await startProduct(owner, dataDir, env);
  const folder = join(dataDir, 'observe');
  mkdirSync(folder, { mode: 0o700 });
  const stack = await startStack(owner, product, folder, log, 'metrics');
  await operate(product);
  const end = new AbortController();
  const { ended } = live(product.info, end.signal);
  owner.defer(async () => {
    end.abort();
    await ended;
  });
  return { ...stack, product };
}
