// `npm run curl -- /api/v1/wallet/balance --user 1001`: one call of the running stack over REST.
import { requestRest } from '../clients/typescript/src/rest.ts';
import {
  IDENTITY_FLAGS,
  identityFor,
  parseJson,
  pretty,
  requirementsOfRoute,
  runCliCall,
} from './cli/cli-call.ts';
import { readCommandLine, SetupError } from './cli/program.ts';

const USAGE =
  "usage: npm run curl -- /api/v1/wallet/balance --user 1001 [-X POST] [-d '{}'] [--room demo] [--key KEY]";

await runCliCall(async (findStack) => {
  const { values, positionals } = readCommandLine(USAGE, {
    ...IDENTITY_FLAGS,
    request: { type: 'string', short: 'X' },
    data: { type: 'string', short: 'd' },
  });
  const [path, ...rest] = positionals;
  if (!path?.startsWith('/') || rest.length > 0) throw new SetupError(USAGE);
  const { restUrl, key } = findStack();
  if (restUrl === undefined) throw new SetupError('there is no Envoy here and so no REST; use npm run call');
  const { data } = values;
  const method = (values.request ?? (data === undefined ? 'GET' : 'POST')).toUpperCase();
  if (data !== undefined) parseJson(data);
  const identity = identityFor(requirementsOfRoute(method, path), values);
  const { status, body } = await requestRest(`${restUrl}${path}`, method, data, identity, key);
  if (status >= 400) throw new Error(`HTTP ${status}\n${pretty(body)}`);
  return body;
});
