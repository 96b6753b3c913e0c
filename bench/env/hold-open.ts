// Opens many connections to a gRPC server, or many streams, and keeps them open until SIGTERM:
//   node hold-open.ts HOST:PORT connections|streams HOW_MANY
import { type ClientHttp2Session, connect } from 'node:http2';

/** An empty grpc.health.v1.HealthCheckRequest in the frame of a gRPC message. */
const WATCH_ALL = Buffer.alloc(5);
const STREAMS_EACH = 100;
const AT_A_TIME = 100;

const [address = '', what = '', count = '0'] = process.argv.slice(2);
const sessions: ClientHttp2Session[] = [];
const wanted = Number(count);
let opened = 0;
if (what === 'connections') {
  while (sessions.length < wanted && (await openSome(Math.min(AT_A_TIME, wanted - sessions.length))));
  opened = sessions.length;
} else {
  await openSome(Math.ceil(wanted / STREAMS_EACH));
  const answers = sessions.flatMap((session) => Array.from({ length: STREAMS_EACH }, () => watch(session)));
  opened = (await Promise.all(answers)).filter(Boolean).length;
}
process.send?.(opened);
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));

/** Opens some connections; false when one failed. */
async function openSome(some: number): Promise<boolean> {
  const tries = Array.from(
    { length: some },
    () =>
      new Promise<boolean>((resolve) => {
        const session = connect(`http://${address}`);
        session.once('error', () => resolve(false));
        // Waits for the server's settings, because a TCP connection alone only proves the kernel.
        session.once('remoteSettings', () => {
          sessions.push(session);
          resolve(true);
        });
      }),
  );
  return (await Promise.all(tries)).every(Boolean);
}

/** Opens a stream, which answers at once with the present status. */
function watch(session: ClientHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Watch',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.once('data', () => resolve(true));
    stream.once('error', () => resolve(false));
    stream.once('close', () => resolve(false));
    stream.end(WATCH_ALL);
  });
}
