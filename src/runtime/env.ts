// Variables of the environment. Each is declared once; what reads it, checks it and documents it goes by that declaration.
import { readFileSync } from 'node:fs';
import { nearestName } from './near-miss.ts';

/** One variable. */
export interface Variable<T> {
  readonly name: string;
  /** What it sets, as a sentence for operators. */
  readonly meaning: string;
  /** What a number counts, such as `ms`; undefined for what is no number. */
  readonly unit: string | undefined;
  /** The value where it is not set, as it would be written; undefined where there is none. */
  readonly fallback: string | undefined;
  /** Whether the program cannot start without it. */
  readonly isRequired: boolean;
  /** What it has to be: follows 'must be' in faults. */
  readonly bounds: string;
  /** Whether its value stays out of faults and logs. */
  readonly isSecret: boolean;
  /** Reads a value; undefined when it is not what `bounds` says. */
  readonly parse: (text: string) => T | undefined;
}

/** Variables by the fields of the settings that they fill; groups nest. */
export interface Variables {
  readonly [field: string]: Variable<unknown> | Variables;
}

/** The settings that variables fill. */
export type ValuesOf<V> = {
  readonly [Field in keyof V]: V[Field] extends Variable<infer T> ? T : ValuesOf<V[Field]>;
};

/** Settings are wrong. The message has one line for each fault; it shows no value of a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Prefixes that hardly any other program's variables have: a name that begins with one and is not known is a mistake.
 * Names of other prefixes are not, for an environment also holds what a shell, a container runtime and libraries set.
 */
const OWN_PREFIXES = ['LEDGER_', 'SPRINKLE_', 'PURGE_'];

/** Variables that Kubernetes sets for a service, whatever the service is called. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP|SCTP).*)?$/;

/** Every variable of a group and the groups in it, in the order of their declaration. */
export function listVariables(variables: Variables): Variable<unknown>[] {
  return Object.values(variables).flatMap((entry) => (isVariable(entry) ? [entry] : listVariables(entry)));
}

/** The names of all variables of a program. */
export function variableNames(variables: Variables): string[] {
  return listVariables(variables).map(({ name }) => name);
}

/** The variable that names the file with a secret. */
const fileVariableOf = (name: string) => `${name}_FILE`;

/** An environment whose secrets are at hand. */
export interface FilledEnvironment {
  readonly env: NodeJS.ProcessEnv;
  /** What is wrong with files of secrets, by the names of the secrets; it shows no secret. */
  readonly faults: ReadonlyMap<string, string>;
}

/**
 * Puts secrets that are kept in files into the environment: EDGE_SECRET where EDGE_SECRET_FILE has the path of a file. A
 * line break at the end of the file is not part of the secret. It is a fault that a file cannot be read or is empty, that a
 * secret is set twice, and that a variable which is no secret is given as a file.
 */
export function withSecretFiles(variables: Variables, env: NodeJS.ProcessEnv): FilledEnvironment {
  const filled = { ...env };
  const faults = new Map<string, string>();
  const names = new Set(variableNames(variables));
  for (const { name, isSecret } of listVariables(variables)) {
    const file = fileVariableOf(name);
    const path = env[file];
    if (!path || names.has(file)) continue;
    if (!isSecret) faults.set(name, `${file} is not a variable of ppuri: ${name} is no secret`);
    else if (env[name]) faults.set(name, `${name} and ${file} are both set; leave out one of them`);
    else {
      const { text = '', fault = text === '' ? 'is empty' : undefined } = readSecret(path);
      filled[name] = text;
      if (fault !== undefined) faults.set(name, `${file}: ${path} ${fault}`);
    }
  }
  return { env: filled, faults };
}

/** Reads a secret from a file, or says what is wrong with the file. */
function readSecret(path: string): { readonly text?: string; readonly fault?: string } {
  try {
    return { text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { fault: `cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}

/**
 * Reads settings; an empty variable counts as not set, and a secret may come from a file (withSecretFiles). Throws a
 * ConfigError with all faults at once: what is missing, what is not as its bounds say, what `check` finds in settings that
 * go together, and names that are unknown. A name is unknown when it begins with a prefix of ours, or differs by a slip of
 * the pen from a known name that is not set itself.
 * @param others Names that other programs of ours know: one file of variables may serve several programs.
 */
export function readVariables<V extends Variables>(
  variables: V,
  env: NodeJS.ProcessEnv,
  {
    others = [],
    check = () => [],
  }: { others?: readonly string[]; check?: (values: ValuesOf<V>) => string[] } = {},
): ValuesOf<V> {
  const faults: string[] = [];
  const values = readGroup(variables, withSecretFiles(variables, env), faults) as ValuesOf<V>;
  if (faults.length === 0) faults.push(...check(values));
  const secrets = listVariables(variables).filter(({ isSecret }) => isSecret);
  const known = new Set([
    ...variableNames(variables),
    ...secrets.map(({ name }) => fileVariableOf(name)),
    ...others,
  ]);
  faults.push(...unknownNames(env, known));
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return values;
}

function isVariable(entry: Variable<unknown> | Variables): entry is Variable<unknown> {
  return typeof entry.parse === 'function';
}

function readGroup(variables: Variables, filled: FilledEnvironment, faults: string[]): object {
  return Object.fromEntries(
    Object.entries(variables).map(([field, entry]) => [
      field,
      isVariable(entry) ? readVariable(entry, filled, faults) : readGroup(entry, filled, faults),
    ]),
  );
}

function readVariable(variable: Variable<unknown>, filled: FilledEnvironment, faults: string[]): unknown {
  const { name, fallback, isRequired, bounds, isSecret, parse } = variable;
  const fileFault = filled.faults.get(name);
  if (fileFault !== undefined) {
    faults.push(fileFault);
    return undefined;
  }
  const text = filled.env[name] || fallback;
  if (text === undefined) {
    if (isRequired) faults.push(`${name} is required: it must be ${bounds}`);
    return undefined;
  }
  const value = parse(text);
  if (value === undefined)
    faults.push(`${name} must be ${bounds}, ${isSecret ? 'and its value is not' : `not "${text}"`}`);
  return value;
}

function unknownNames(env: NodeJS.ProcessEnv, known: ReadonlySet<string>): string[] {
  return Object.keys(env).flatMap((name) => {
    if (!env[name] || known.has(name) || SERVICE_LINK.test(name)) return [];
    const nearest = nearestName(name, known);
    const isSlip = nearest !== undefined && !env[nearest];
    if (!isSlip && !OWN_PREFIXES.some((prefix) => name.startsWith(prefix))) return [];
    return [`${name} is not a variable of ppuri${nearest === undefined ? '' : `; did you mean ${nearest}?`}`];
  });
}
