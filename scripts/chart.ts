// `npm run chart`: lints deploy/helm/ppuri with helm and prints what it makes of each example, for the tests, which need no helm.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';
import { findHelm } from './ops/parts/helm.ts';
import { required } from './ops/parts/part.ts';

const ROOT = join(import.meta.dirname, '..');
const CHART = join(ROOT, 'deploy', 'helm', 'ppuri');
/** Where the manifests of an example are. */
const OUTPUT = join(ROOT, 'test', 'golden', 'chart');
const USAGE = `usage: npm run chart
The manifests are printed into test/golden/chart.`;

/** The names of the files with example values. */
export const EXAMPLES: readonly string[] = globSync('examples/*.yaml', { cwd: CHART })
  .map((file) => basename(file))
  .toSorted();

/** The file with the manifests of an example. */
export const printedFile = (example: string) => join(OUTPUT, example);

/** The hash of everything that the manifests are made of, and of the manifests; it stands at their beginning. */
export function chartDigest(manifests: string): string {
  const hash = createHash('sha256');
  // The rules and dashboards are links, whose content other tests hold.
  const files = ['*.yaml', '*.json', 'templates/*', 'examples/*', 'files/*.{yaml,sh}'];
  for (const file of globSync(files, { cwd: CHART }).toSorted())
    hash.update(`${file}\n`).update(readFileSync(join(CHART, file)));
  return hash.update(manifests).digest('hex');
}

/** Runs helm on the chart and returns its stdout; to stderr it says that it follows links. */
export async function runHelm(command: 'lint' | 'template', ...args: readonly string[]): Promise<string> {
  const { path } = required('helm', await findHelm());
  const words = {
    lint: ['lint', '--strict', CHART],
    template: ['template', 'ppuri', CHART, '--namespace', 'money', '--kube-version', '1.37.0'],
  }[command];
  try {
    return (await promisify(execFile)(path, [...words, ...args], { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { message, stdout = '' } = error as { message: string; stdout?: string };
    throw new SetupError(`helm ${command} failed: ${message}\n${stdout}`);
  }
}

/** Lints the chart with an example's values and returns the file of its manifests. */
export async function renderExample(example: string): Promise<string> {
  const values = ['--values', join(CHART, 'examples', example)];
  await runHelm('lint', ...values);
  const manifests = withoutCopies(await runHelm('template', ...values));
  return `# ${chartDigest(manifests)}, printed by npm run chart\n${manifests}`;
}

/** The manifests without those dashboards, rules and scripts whose files are in the repository already. */
function withoutCopies(rendered: string): string {
  const documents = parseAllDocuments(rendered).filter((document) => document.contents !== null);
  for (const document of documents) {
    if (document.get('kind') === 'PrometheusRule') document.setIn(['spec', 'groups'], []);
    if (/-dashboard-/.test(String(document.getIn(['metadata', 'name'])))) document.setIn(['data'], {});
    if (document.hasIn(['data', 'run-envoy.sh'])) document.setIn(['data', 'run-envoy.sh'], '');
  }
  return documents
    .map((document) => `---\n${document.toString({ lineWidth: 0, directives: false })}`)
    .join('');
}

async function main(): Promise<void> {
  readCommandLine(USAGE, {});
  mkdirSync(OUTPUT, { recursive: true });
  for (const example of EXAMPLES) {
    writeFileSync(printedFile(example), await renderExample(example));
    console.log(`${printedFile(example)} is printed`);
  }
}

if (import.meta.main) await runCli(main);
