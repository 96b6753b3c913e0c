// `npm run call -- wallet.v1.WalletService/GetBalance '{}' --user 1001`: one call of the running stack over gRPC.

import { connect } from '../clients/typescript/src/connection.ts';
import { isFile, RPCS } from '../clients/typescript/src/contracts.ts';
import {
  IDENTITY_FLAGS,
  identityFor,
  parseJson,
  pretty,
  requirementsOf,
  runCliCall,
} from './cli/cli-call.ts';
import { readCommandLine, SetupError } from './cli/program.ts';

const USAGE =
  "usage: npm run call -- wallet.v1.WalletService/GetBalance '{}' --user 1001 [--room demo] [--key KEY]";

await runCliCall(async (findStack) => {
  const { values, positionals } = readCommandLine(USAGE, IDENTITY_FLAGS);
  const [name, text = '{}', ...rest] = positionals;
  if (name === undefined || rest.length > 0) throw new SetupError(USAGE);
  const { grpcAddress, adminGrpcAddress, key } = findStack();
  const requirements = requirementsOf(name);
  const request = parseJson(text);
  const address = name.startsWith('admin.') ? adminGrpcAddress : grpcAddress;
  const connection = connect(address, key, { retry: false });
  const identity = identityFor(requirements, values);
  try {
    const rpc = RPCS.get(name);
    if (rpc?.methodKind !== 'server_streaming') return await connection.call(name, request, identity);
    if (isFile(rpc)) {
      for await (const piece of connection.statement(request, identity)) process.stdout.write(piece);
      return undefined;
    }
    for await (const answer of connection.stream(name, request, identity)) console.log(pretty(answer));
    return undefined;
  } finally {
    connection.close();
  }
});
