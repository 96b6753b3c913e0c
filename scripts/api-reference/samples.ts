// The call of an example in code: with the commands of this repository, and with the clients.
import type { JsonValue } from '@bufbuild/protobuf';
import { shellWord } from '../cli/dev-info.ts';
import type { Example, Operation } from './operations.ts';
import { restCallOf } from './rest-call.ts';

/** A way to make a call. */
export interface Sample {
  /** Its name for readers: `TypeScript`. */
  readonly title: string;
  readonly code: string;
}

type Wanted = Pick<Operation, 'rpc' | 'isStream' | 'isFile' | 'routes'>;

/** The samples of an operation. */
export function samplesOf(operation: Wanted, example: Example): Sample[] {
  return [
    { title: 'npm run curl', code: curl(operation, example) },
    { title: 'npm run call (gRPC)', code: call(operation, example) },
    { title: 'TypeScript', code: typescript(operation, example) },
    { title: 'Python', code: python(operation, example) },
  ];
}

function flagsOf({ identity: { userId, roomId, idempotencyKey } }: Example): string[] {
  return [
    ...(userId === undefined ? [] : [`--user ${shellWord(userId)}`]),
    ...(roomId === undefined ? [] : [`--room ${shellWord(roomId)}`]),
    ...(idempotencyKey === undefined ? [] : [`--key ${shellWord(idempotencyKey)}`]),
  ];
}

function curl({ routes: [route] }: Wanted, example: Example): string {
  if (!route) return '';
  const { method, path, body } = restCallOf(route, example.request);
  const data = body && [`-d ${shellWord(JSON.stringify(body, undefined, 2))}`];
  const isPlain = method === (body ? 'POST' : 'GET');
  const words = [...(isPlain ? [] : [`-X ${method}`]), ...(data ?? []), ...flagsOf(example)];
  return [`npm run curl -- ${shellWord(path)}`, ...words].join(' \\\n  ');
}

function call({ rpc }: Wanted, example: Example): string {
  const request = shellWord(JSON.stringify(example.request, undefined, 2));
  return [`npm run call -- ${rpc} ${request}`, ...flagsOf(example)].join(' \\\n  ');
}

function typescript({ rpc, isStream, isFile }: Wanted, { identity, request }: Example): string {
  const [name, who] = [`'${rpc}'`, inTypeScript({ ...identity }, 0)];
  const sent = `${inTypeScript(request, 0)}, ${who}`;
  const made = `${name}, ${sent}`;
  const file = [
    `for await (const piece of connection.statement(${sent})) {`,
    '  process.stdout.write(piece);',
    '}',
  ];
  const lines = isFile
    ? file
    : isStream
      ? [`for await (const message of connection.stream(${made})) {`, '  console.log(message);', '}']
      : [`const answer = await connection.call(${made});`, 'console.log(answer);'];
  return [
    "import { connect, hmacKey } from '@ppuri/client';",
    '',
    "const { PPURI_GRPC = '', KEY_ID = '', SECRET = '' } = process.env;",
    'const connection = connect(PPURI_GRPC, hmacKey(KEY_ID, SECRET));',
    ...lines,
    'connection.close();',
  ].join('\n');
}

/** JSON as TypeScript writes it: names without quotes where they need none, and single quotes. */
function inTypeScript(value: JsonValue | object, depth: number): string {
  return writeJson(value, depth, (name) => (/^[a-z_]\w*$/i.test(name) ? name : quoted(name)), quoted);
}

const quoted = (text: string) =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

/** Writes a value, on one line where that is short. */
function writeJson(
  value: JsonValue | object,
  depth: number,
  nameOf: (name: string) => string,
  textOf: (text: string) => string,
  unit = '  ',
): string {
  if (typeof value === 'string') return textOf(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const items = Array.isArray(value)
    ? value.map((item) => writeJson(item, depth + 1, nameOf, textOf, unit))
    : Object.entries(value).map(
        ([name, item]) => `${nameOf(name)}: ${writeJson(item, depth + 1, nameOf, textOf, unit)}`,
      );
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const space = Array.isArray(value) ? '' : ' ';
  if (items.length === 0) return `${open}${close}`;
  const line = `${open}${space}${items.join(', ')}${space}${close}`;
  if (line.length <= 60 && !line.includes('\n')) return line;
  const indent = unit.repeat(depth + 1);
  return `${open}\n${items.map((item) => `${indent}${item},\n`).join('')}${unit.repeat(depth)}${close}`;
}

function python({ rpc, isStream, isFile }: Wanted, { identity, request }: Example): string {
  const who = [
    ...(identity.userId === undefined ? [] : [`user_id=${identity.userId}`]),
    ...(identity.roomId === undefined ? [] : [`room_id=${JSON.stringify(identity.roomId)}`]),
    ...(identity.idempotencyKey === undefined
      ? []
      : [`idempotency_key=${JSON.stringify(identity.idempotencyKey)}`]),
  ];
  const text = (value: string) => JSON.stringify(value);
  const written = writeJson(request, 2, text, text, '    ');
  const parts = [...(isFile ? [] : [JSON.stringify(rpc)]), written, ...who];
  const made = `(\n${parts.map((part) => `        ${part},\n`).join('')}    )`;
  const file = [`    for piece in connection.statement${made}:`, '        sys.stdout.buffer.write(piece)'];
  const lines = isFile
    ? file
    : isStream
      ? [`    for message in connection.stream${made}:`, '        print(message)']
      : [`    answer = connection.call${made}`, '    print(answer)'];
  return [
    'import os',
    ...(isFile ? ['import sys'] : []),
    '',
    'from ppuri import connect, hmac_key',
    '',
    'key = hmac_key(os.environ["KEY_ID"], os.environ["SECRET"])',
    'with connect(os.environ["PPURI_GRPC"], key) as connection:',
    ...lines,
  ].join('\n');
}
