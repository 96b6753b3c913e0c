// Variables of the environment. Each is declared once; what reads it, checks it and documents it goes by that declaration.
import { nearestName } from './near-miss.ts';

/** One variable. */
export interface Variable<T> {
  readonly name: string;
  /** What it sets, as a sentence for whoever operates ppuri. */
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

/**
 * Reads settings; an empty variable counts as not set. Throws a ConfigError with all faults at once: what is missing, what
 * is not as its bounds say, what `check` finds in settings that go together, and names that are unknown. A name is unknown
 * when it begins with a prefix of ours, or differs by a slip of the pen from a known name that is not set itself.
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
  const values = readGroup(variables, env, faults) as ValuesOf<V>;
  if (faults.length === 0) faults.push(...check(values));
  const known = new Set([...variableNames(variables), ...others]);
  faults.push(...unknownNames(env, known));
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return values;
}

function isVariable(entry: Variable<unknown> | Variables): entry is Variable<unknown> {
  return typeof entry.parse === 'function';
}

function readGroup(variables: Variables, env: NodeJS.ProcessEnv, faults: string[]): object {
  return Object.fromEntries(
    Object.entries(variables).map(([field, entry]) => [
      field,
      isVariable(entry) ? readVariable(entry, env, faults) : readGroup(entry, env, faults),
    ]),
  );
}

function readVariable(variable: Variable<unknown>, env: NodeJS.ProcessEnv, faults: string[]): unknown {
  const { name, fallback, isRequired, bounds, isSecret, parse } = variable;
  const text = env[name] || fallback;
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
