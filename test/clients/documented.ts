// Programs in documents, for tests that run them as they are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The code blocks of a page in a language, in order. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '..', '..', page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, kind, body = '']) =>
    kind === language ? [body] : [],
  );
}

/** The function `sign` of docs/signing.md, as a module. */
export function signingModule(): string {
  const block = blocksOf('docs/signing.md', 'python')[0] ?? '';
  const [module] = block.split('\n\n\ndef call(');
  if (!module?.includes('def sign(')) throw new Error('docs/signing.md has no def sign in Python');
  return `${module}\n`;
}
