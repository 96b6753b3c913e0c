// What the contracts require of a call besides its message, for the command line to ask for before it calls.
import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { RPCS, registry, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import { SetupError } from './setup-error.ts';

/** What a call must bring in its headers: the option `(ppuri.options.v1.call)`. */
export interface CallRequirements {
  /** The RPC's full name: `wallet.v1.WalletService/GetBalance`. */
  readonly name: string;
  readonly actingUser: boolean;
  readonly room: boolean;
  readonly idempotencyKey: boolean;
}

/** What the RPC of this name requires. Throws a SetupError that says what there is when there is no such RPC. */
export function requirementsOf(name: string): CallRequirements {
  const rpc = RPCS.get(name);
  if (rpc) return read(name, rpc);
  const [service] = name.split('/');
  const methods = [...RPCS.keys()].filter((known) => known.startsWith(`${service}/`));
  if (methods.length > 0) {
    const known = methods.map((method) => method.slice(method.indexOf('/') + 1));
    throw new SetupError(`there is no ${name}; ${service} has ${known.join(', ')}`);
  }
  const services = new Set([...RPCS.values()].map(({ parent }) => parent.typeName));
  throw new SetupError(`there is no service ${service}; there are ${[...services].join(', ')}`);
}

/** What the RPC that a REST call reaches requires; undefined when it reaches none. */
export function requirementsOfRoute(method: string, path: string): CallRequirements | undefined {
  const [pathname = ''] = path.split('?');
  for (const [name, rpc] of RPCS) {
    const route = restRouteOf(rpc);
    if (route?.method === method && patternOf(route.path).test(pathname)) return read(name, rpc);
  }
  return undefined;
}

function read(name: string, rpc: DescMethod): CallRequirements {
  const option = registry.getExtension('ppuri.options.v1.call');
  if (!option) throw new Error('gen/descriptor.binpb lacks ppuri.options.v1; run npm run gen');
  const none = { actingUser: false, room: false, idempotencyKey: false };
  // The registry reads the option without a generated type; its fields are those of ppuri.options.v1.Call.
  const call = hasOption(rpc, option)
    ? (getOption(rpc, option) as unknown as Omit<CallRequirements, 'name'>)
    : none;
  return { name, actingUser: call.actingUser, room: call.room, idempotencyKey: call.idempotencyKey };
}

/** A path template as a pattern: `/api/v1/users/{user_id}` takes any one segment for `{user_id}`. */
function patternOf(template: string): RegExp {
  const literals = template.split(/\{\w+\}/).map((text) => text.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literals.join('[^/:]+')}$`);
}
