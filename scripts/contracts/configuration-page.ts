// The page of all variables, made from the declarations that the programs read them by.
import { listVariables, type Variable } from '../../src/runtime/env.ts';
import { PROGRAMS, START_DEFAULTS } from '../cli/variables.ts';

/** A variable, and the programs that read it. */
interface Row {
  readonly variable: Variable<unknown>;
  readonly readers: readonly string[];
  /** The readers that cannot start without it. */
  readonly requiredBy: readonly string[];
}

/** docs/configuration.md. */
export function configurationPage(): string {
  const startDefaults = Object.entries(START_DEFAULTS).map(([name, value]) => `\`${name}=${value}\``);
  return `# Configuration
Printed by \`npm run configuration\` from the code that reads the variables; a test compares the two.

A program reads these variables of its environment once, when it starts. An empty variable counts as not set. When anything is wrong, the program stops at once and prints every fault on a line of its own: a variable that is missing, a value outside of its bounds, and a name that is unknown. A name is unknown when it begins with \`LEDGER_\`, \`SPRINKLE_\` or \`PURGE_\` and is not in this list, or when it differs by one letter (in long names two) from a name in this list that is not set. Every program knows the names of all, so they can share a file of variables. Values of secrets are never printed.

A secret can be kept in a file: \`EDGE_SECRET_FILE=/run/secrets/edge_secret\` is read in the place of \`EDGE_SECRET\`, and so is NAME_FILE for every variable NAME whose last column says yes. One line break at the end of the file is not part of the secret. Both at once, a file that is empty or cannot be read, and NAME_FILE for a variable that is no secret are faults.

| program | what it is |
|---|---|
| server, worker | \`src/server/main.ts\` and \`src/worker/main.ts\` |
| migrate, keys, verify, call, curl, payout, observe, bench, load, archive, checkpoints, backup, restore, edge | \`npm run\` and this name |
| archive-wal | \`scripts/archive-wal.ts\`, which archives one file of WAL |
| await-migrations | of the image ([production.md](production.md)): ends once the database is migrated |
| image | every program of the image ([production.md](production.md)), before it starts |
| start, test | \`npm start\` and \`npm test\` |

\`npm start\` passes the variables in whose row it stands on to the programs that it starts. Where they are not set, it gives them ${startDefaults.join(', ')}. \`npm run keys\` takes the database of \`ADMIN_DATABASE_URL\` or else that of a running \`npm start\`. Envoy has \`EDGE_SECRET\` in its environment.

Everything else is fixed, such as the time that Redis has to answer: a constant beside the code that uses it.

| variable | program | what it sets | default | must be | secret |
|---|---|---|---|---|---|
${rows().map(textOf).join('\n')}
`;
}

/** A row for each variable. Where two programs mean different things by one name, it has a row for each. */
function rows(): Row[] {
  const readings = Object.entries(PROGRAMS).flatMap(([program, variables]) =>
    listVariables(variables).map((variable) => ({ program, variable })),
  );
  const byMeaning = Map.groupBy(readings, ({ variable: { name, meaning } }) => `${name} ${meaning}`);
  return [...byMeaning.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const required = same.filter(({ variable }) => variable.isRequired);
    return [
      {
        variable: first.variable,
        readers: [...new Set(same.map(({ program }) => program))],
        requiredBy: required.map(({ program }) => program),
      },
    ];
  });
}

function textOf({ variable, readers, requiredBy }: Row): string {
  const { name, meaning, unit, bounds, isSecret } = variable;
  const must = unit === undefined ? bounds : `${bounds} (${unit})`;
  const cells = [
    `\`${name}\``,
    readers.join(', '),
    meaning,
    defaultOf(variable, readers, requiredBy),
    must,
    isSecret ? 'yes' : 'no',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(
  { fallback }: Variable<unknown>,
  readers: readonly string[],
  requiredBy: readonly string[],
): string {
  if (requiredBy.length === 0) return fallback ? `\`${fallback}\`` : 'not set';
  return requiredBy.length === readers.length ? 'required' : `required by ${requiredBy.join(', ')}`;
}
