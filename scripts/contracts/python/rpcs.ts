// Prints the RPCs of a version: their messages, whether a call may be sent again, and where they are over REST.
import type { DescField, DescFile, DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { type ContractOptions, commentOf, routesOf } from '../openapi/contracts.ts';
import { docOf } from './stubs.ts';

const INDENT = '    ';
const { NO_SIDE_EFFECTS, IDEMPOTENT } = MethodOptions_IdempotencyLevel;
/** RPCs that may be sent again as their comments say, although no option does: lines are numbered, and are not added twice. */
const REPEATABLE: readonly string[] = ['wallet.v2.PayoutService/AddPayoutLines'];

/** The RPCs as the client uses them, a class for each service. */
export function printRpcs(files: readonly DescFile[], options: ContractOptions): string {
  return servicesOf(files)
    .flatMap((service) => [
      '',
      `class ${service.name}:`,
      ...service.methods.flatMap((rpc) => printRpc(rpc, options)),
      '',
    ])
    .join('\n');
}

/** The types of the same. */
export function printRpcTypes(files: readonly DescFile[]): string {
  return servicesOf(files)
    .flatMap((service) => [
      `class ${service.name}:`,
      ...docOf(commentOf(service), INDENT),
      ...service.methods.flatMap((rpc) => [
        `${INDENT}${rpc.name}: ClassVar[${kindOf(rpc)}[${typesOf(rpc).join(', ')}]]`,
        ...docOf(commentOf(rpc), INDENT),
      ]),
      '',
    ])
    .join('\n');
}

const servicesOf = (files: readonly DescFile[]): readonly DescService[] =>
  files.flatMap((file) => file.services);

function kindOf(rpc: DescMethod): 'Unary' | 'Paged' | 'Stream' {
  if (rpc.methodKind === 'server_streaming') return 'Stream';
  if (rpc.methodKind !== 'unary')
    throw new Error(`${rpc.toString()}: the Python client has no ${rpc.methodKind} calls`);
  return listOf(rpc) ? 'Paged' : 'Unary';
}

/** The list that an RPC returns page by page. */
function listOf(rpc: DescMethod): DescField | undefined {
  const isPaged = rpc.output.fields.some(({ name }) => name === 'next_page_token');
  return isPaged ? rpc.output.fields.find(({ fieldKind }) => fieldKind === 'list') : undefined;
}

function typesOf(rpc: DescMethod): string[] {
  const list = listOf(rpc);
  return [rpc.input.name, rpc.output.name, ...(list?.message ? [list.message.name] : [])];
}

function printRpc(rpc: DescMethod, options: ContractOptions): string[] {
  const rule = options.httpRule(rpc);
  const routes = (rule ? routesOf(rpc, rule) : []).map(
    ({ verb, path, body }) =>
      `Route("${verb.toUpperCase()}", "${path}"${body === '' ? '' : ', has_body=True'}),`,
  );
  const takesKey = options.requiredHeaders(rpc).includes('idempotency_key');
  const name = `${rpc.parent.typeName}/${rpc.name}`;
  const isRepeatable =
    takesKey || [NO_SIDE_EFFECTS, IDEMPOTENT].includes(rpc.idempotency) || REPEATABLE.includes(name);
  const list = listOf(rpc);
  return [
    `${INDENT}${rpc.name} = ${kindOf(rpc)}(`,
    ...[
      `"${name}",`,
      `${rpc.input.name},`,
      `${rpc.output.name},`,
      `(${routes.join(' ')}),`,
      ...(takesKey ? ['takes_key=True,'] : []),
      ...(isRepeatable ? ['is_repeatable=True,'] : []),
      ...(list ? [`items="${list.name}",`] : []),
    ].map((line) => INDENT + INDENT + line),
    `${INDENT})`,
  ];
}
