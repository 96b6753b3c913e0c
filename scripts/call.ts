// `npm run call -- wallet.v1.WalletService/GetBalance '{}' --user 1001`: one call of the running stack over gRPC.
import { RPCS } from '../clients/typescript/src/contracts.ts';
import { connect } from '../clients/typescript/src/grpc.ts';
import {
  IDENTITY_FLAGS,
  identityFor,
  parseJson,
  pretty,
  requirementsOf,
  runCliCall,
} from './dev/cli-call.ts';
import { signingKeyIn } from './dev/dev-info.ts';
import { readCommandLine, SetupError } from './dev/program.ts';

const USAGE =
  "usage: npm run call -- wallet.v1.WalletService/GetBalance '{}' --user 1001 [--room demo] [--key KEY]";

await runCliCall(async (findStack) => {
  const { values, positionals } = readCommandLine(USAGE, IDENTITY_FLAGS);
  const [name, text = '{}', ...rest] = positionals;
  if (name === undefined || rest.length > 0) throw new SetupError(USAGE);
  const { grpcAddress, adminGrpcAddress, keys } = findStack();
  const requirements = requirementsOf(name);
  const request = parseJson(text);
  const connection = connect(name.startsWith('admin.') ? adminGrpcAddress : grpcAddress, signingKeyIn(keys));
  const identity = identityFor(requirements, values);
  try {
    if (RPCS.get(name)?.methodKind !== 'server_streaming') {
      return await connection.call(name, request, identity);
    }
    for await (const answer of connection.stream(name, request, identity)) console.log(pretty(answer));
    return undefined;
  } finally {
    connection.close();
  }
});
