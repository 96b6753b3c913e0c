// Reads the options that the contracts carry: where an RPC is over REST, and which headers a call must bring.
import {
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type Registry,
} from '@bufbuild/protobuf';

/** google.api.HttpRule, as far as it is used here. */
export interface HttpRule {
  readonly pattern: { readonly case: string | undefined; readonly value?: unknown };
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** What the options of the contracts say. */
export interface ContractOptions {
  /** Every type of the contracts and of what they import. */
  readonly registry: Registry;
  /** The message of the option `(ppuri.options.v1.call)`: a true or false field for each header that can be demanded. */
  readonly call: DescMessage;
  /** The REST route of an RPC, if it has one. */
  httpRule(method: DescMethod): HttpRule | undefined;
  /** The names of the fields of `call` that an RPC sets. */
  demanded(method: DescMethod): readonly string[];
  /** What a call of an RPC takes of the caller's rate limits, in a sentence; empty where that is one unit. */
  costOf(method: DescMethod): string;
}

/** The fields of `call` that say what a call costs. */
interface Cost {
  readonly cost: number;
  readonly itemCost?: { readonly field: string; readonly itemsPerUnit: number };
}

/** Fields of the option that are for the server alone and demand no header. */
const NO_HEADERS: ReadonlySet<string> = new Set(['guesses_token']);

/** The options as the given files define them. They have no generated types, so their shape is stated above. */
export function contractOptions(files: readonly DescFile[]): ContractOptions {
  const registry = createRegistry(...files);
  const http = extension(registry, 'google.api.http');
  const callOption = extension(registry, 'ppuri.options.v1.call');
  const call = callOption.message;
  if (!call) throw new Error('ppuri.options.v1.call is not a message any more');
  return {
    registry,
    call,
    httpRule: (method) =>
      hasOption(method, http) ? (getOption(method, http) as unknown as HttpRule) : undefined,
    demanded: (method) => {
      if (!hasOption(method, callOption)) return [];
      const value = getOption(method, callOption) as unknown as Readonly<Record<string, unknown>>;
      return call.fields
        .filter((field) => value[field.localName] === true && !NO_HEADERS.has(field.name))
        .map((field) => field.name);
    },
    costOf: (method) => {
      if (!hasOption(method, callOption)) return '';
      const { cost, itemCost } = getOption(method, callOption) as unknown as Cost;
      if (itemCost) {
        const { field, itemsPerUnit } = itemCost;
        return `Takes one unit of the rate limits for each begun ${itemsPerUnit} of \`${field}\`.`;
      }
      return cost > 1 ? `Takes ${cost} units of the rate limits.` : '';
    },
  };
}

function extension(registry: Registry, name: string): DescExtension {
  const found = registry.getExtension(name);
  if (!found) throw new Error(`the contracts do not import the option ${name}`);
  return found;
}
