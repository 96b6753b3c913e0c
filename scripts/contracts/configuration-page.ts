// The page of all variables, made from the declarations that the programs read them by.
import { listVariables, type Variable } from '../../src/runtime/env.ts';
import { SERVER_VARIABLES } from '../../src/server/config.ts';
import { WORKER_VARIABLES } from '../../src/worker/config.ts';

const PROGRAMS = { server: listVariables(SERVER_VARIABLES), worker: listVariables(WORKER_VARIABLES) };

/** docs/configuration.md. */
export function configurationPage(): string {
  const all = [...new Set(Object.values(PROGRAMS).flat())];
  return `# Configuration
Printed by \`npm run configuration\` from the code that reads the variables; a test holds it in step.

A program reads these variables of its environment once, when it starts. An empty variable counts as not set. A program stops at once, and names everything that is wrong, each fault on a line of its own: what is missing, what is not as its bounds say, and names that are unknown. Unknown are names that begin with \`LEDGER_\`, \`SPRINKLE_\` or \`PURGE_\` and do not stand here, and names that differ by a slip (two, in long names) from one that stands here and is not set. Both programs know the names of both, so they can share a file of variables. Values of secrets are never shown.

The server is \`src/server/main.ts\`, the worker \`src/worker/main.ts\`. What else is fixed, such as the time that Redis has to answer, is a constant beside the code that it rules.

| variable | program | what it sets | default | must be | secret |
|---|---|---|---|---|---|
${all.map(rowOf).join('\n')}
`;
}

function rowOf(variable: Variable<unknown>): string {
  const { name, meaning, unit, fallback, isRequired, bounds, isSecret } = variable;
  const programs = Object.entries(PROGRAMS).flatMap(([program, known]) =>
    known.includes(variable) ? [program] : [],
  );
  const standard = isRequired ? 'required' : fallback ? `\`${fallback}\`` : 'not set';
  const must = unit === undefined ? bounds : `${bounds} (${unit})`;
  const cells = [`\`${name}\``, programs.join(', '), meaning, standard, must, isSecret ? 'yes' : 'no'];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
