// The text that `npm start` prints when everything runs.
import { styleText } from 'node:util';
import { dataDirPrefix, nameOfDataDir } from './dev-info.ts';
import { HOST, type Ports } from './ports.ts';

/** What the text mentions. */
export interface BannerInput {
  readonly ports: Ports;
  readonly dataDir: string;
  readonly tookMs: number;
  /** Why there is no Envoy; undefined when there is one. */
  readonly noEnvoy: string | undefined;
}

/** The text: addresses, three calls to paste, how to stop. */
export function bannerText({ ports, dataDir, tookMs, noEnvoy }: BannerInput): string {
  const folder = nameOfDataDir(dataDir);
  const edge: [string, string][] = [
    ['REST', `http://${HOST}:${ports.rest}`],
    ['gRPC, gRPC-Web', `${HOST}:${ports.grpcEdge} (through Envoy)`],
  ];
  const addresses: [string, string][] = [
    ...(noEnvoy === undefined ? edge : []),
    ['gRPC', `${HOST}:${ports.grpc} (the server itself)`],
    ['gRPC for ops', `${HOST}:${ports.adminGrpc} (admin.v1, for keys with the scope admin)`],
    [
      'Health',
      [ports.ops, ports.adminOps, ports.workerOps].map((port) => `http://${HOST}:${port}/readyz`).join(', ') +
        ' (server, server for ops, worker)',
    ],
    [
      'Queues',
      `http://${HOST}:${ports.workerOps}/queues (the password is opsKey of dev.json, with any name)`,
    ],
    ...(noEnvoy === undefined
      ? [['Envoy statistics', `http://${HOST}:${ports.envoyAdmin}/stats/prometheus`] as [string, string]]
      : []),
    ['PostgreSQL, Redis', `${HOST}:${ports.postgres}, ${HOST}:${ports.redis}`],
    ['Data, logs', `${folder}, ${folder}/log; addresses and secrets in ${folder}/dev.json`],
  ];
  return [
    '',
    styleText('bold', `ppuri is ready after ${(tookMs / 1000).toFixed(1)} s`),
    '',
    ...addresses.map(([name, address]) => `  ${name.padEnd(18)} ${address}`),
    '',
    ...(noEnvoy === undefined ? [] : [styleText(['bold', 'yellow'], `  No REST: ${noEnvoy}`), '']),
    'Users 1001 to 1005 began with 100,000 won each; all are in room demo. In another terminal, in this folder, try:',
    '',
    ...calls(noEnvoy === undefined).flatMap(([what, command]) => [
      `  ${styleText('dim', `# ${what}`)}`,
      `  ${dataDirPrefix(dataDir)}${command}`,
      '',
    ]),
    'Ctrl-C stops everything; the data stays.',
    '',
  ].join('\n');
}

function calls(withRest: boolean): [what: string, command: string][] {
  const call = 'npm run call -- wallet.v1';
  const transfer: [string, string] = [
    'Send 500 won to user 1002, over gRPC',
    `${call}.WalletService/Transfer '{"to_user_id":"1002","amount":"500"}' --user 1001`,
  ];
  if (withRest) {
    return [
      ['How much user 1001 has, over REST', 'npm run curl -- /api/v1/wallet/balance --user 1001'],
      transfer,
      [
        'Sprinkle 10,000 won for 3 into the room, over REST',
        `npm run curl -- /api/v1/sprinkles -d '{"amount":10000,"headcount":3}' --user 1001 --room demo`,
      ],
    ];
  }
  return [
    ['How much user 1001 has', `${call}.WalletService/GetBalance '{}' --user 1001`],
    transfer,
    [
      'Sprinkle 10,000 won for 3 into the room',
      `${call}.SprinkleService/CreateSprinkle '{"amount":"10000","headcount":3}' --user 1001 --room demo`,
    ],
  ];
}
