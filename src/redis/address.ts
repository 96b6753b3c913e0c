// Where Redis is: one server, or the master that Redis Sentinel names.
import { Redis, type RedisOptions } from 'ioredis';

/** The address of one Sentinel. */
export interface SentinelAddress {
  readonly host: string;
  readonly port: number;
}

/** How to reach Redis. */
export interface RedisAddress {
  /**
   * `redis://` or, over TLS, `rediss://`, with the login and the database of Redis. With Sentinels its host is the name of the
   * group of servers that they watch.
   */
  readonly url: string;
  /** They name the master of the group; none where `url` is that of the server itself. */
  readonly sentinels?: readonly SentinelAddress[];
  readonly sentinelPassword?: string | undefined;
}

/** Answers come as in RESP2, as always. */
type Options = Omit<RedisOptions, 'replyMapping'>;

const CONNECT_TIMEOUT_MS = 2_000;
/** How long a Sentinel has for an answer, in milliseconds; the next one is asked then. */
const SENTINEL_TIMEOUT_MS = 1_000;
/** How often the Sentinels are asked whether the master is still the same, in milliseconds. */
const WATCH_INTERVAL_MS = 500;
/** How long a server that is left has to close the connection, in milliseconds. One that hangs does not. */
const LEAVE_WITHIN_MS = 100;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** The pause before another attempt to connect, in milliseconds. */
export function retryDelayMs(attempt: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 10), MAX_RETRY_MS);
}

/**
 * The options with which a connection leads to the master, besides the URL. It leaves a server that says that it is only a
 * replica, and ioredis takes none for the master that does not say so itself.
 */
export function masterOptions({ url, sentinels = [], sentinelPassword }: RedisAddress) {
  // In Redis 7 the errors of scripts begin with READONLY, too.
  const options = {
    retryStrategy: retryDelayMs,
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
  if (sentinels.length === 0) return options;
  const hasTls = url.startsWith('rediss:');
  return {
    ...options,
    name: groupOf(url),
    sentinels: [...sentinels],
    updateSentinels: false,
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    sentinelRetryStrategy: retryDelayMs,
    disconnectTimeout: LEAVE_WITHIN_MS,
    enableTLSForSentinelMode: hasTls,
    ...(hasTls && { sentinelTLS: {} }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
  };
}

/**
 * Opens a connection that leads to the master, and leaves that when most Sentinels name another one: a master that hangs says
 * nothing, and when it goes on it takes itself for the master for some ten seconds. It costs a connection to each Sentinel.
 */
export function openRedis(address: RedisAddress, options: Options): Redis {
  const { sentinels = [] } = address;
  let connectedTo = '';
  // Called with what a Sentinel answers. ioredis takes a function, and its types know of objects alone.
  const natMap = (named: string) => {
    connectedTo = named;
    return null;
  };
  const all: Options = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...masterOptions(address),
    ...options,
    ...(sentinels.length > 0 && { natMap: natMap as unknown as NonNullable<RedisOptions['natMap']> }),
  };
  const redis = new Redis(address.url, all);
  if (sentinels.length === 0) return redis;
  const stopWatching = watchMaster(address, redis, () => connectedTo);
  redis.once('end', stopWatching);
  // In the status `reconnecting`, ioredis 6 ends without the event `end`.
  const disconnect = redis.disconnect.bind(redis);
  redis.disconnect = (reconnect = false) => {
    if (!reconnect) stopWatching();
    disconnect(reconnect);
  };
  return redis;
}

/** Lets the connection leave its server when most Sentinels name another one, until the function that it returns is called. */
function watchMaster(address: RedisAddress, redis: Redis, connectedTo: () => string): () => void {
  const { sentinels = [], sentinelPassword: password, url } = address;
  const clients = sentinels.map(({ host, port }) => {
    const client = new Redis({
      ...{ host, port, lazyConnect: true, enableReadyCheck: false },
      ...{ enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: retryDelayMs },
      ...{ connectTimeout: CONNECT_TIMEOUT_MS, commandTimeout: SENTINEL_TIMEOUT_MS },
      socketTimeout: SENTINEL_TIMEOUT_MS,
      ...(url.startsWith('rediss:') && { tls: {} }),
      ...(password !== undefined && { password }),
    });
    // A Sentinel that is away only matters to who looks for a master, and is reported there.
    client.on('error', () => {});
    client.connect().catch(() => {});
    return client;
  });
  const ask = async (client: Redis) => {
    const answer = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', groupOf(url)).catch(() => null);
    return Array.isArray(answer) ? answer.join(':') : '';
  };
  const askAll = async () => {
    const before = connectedTo();
    const named = Map.groupBy(await Promise.all(clients.map(ask)), (answer) => answer);
    // Another server was named to ioredis since, and these answers can be older than that.
    if (connectedTo() !== before) return;
    // While a Sentinel is asked there is no connection yet that could be left.
    for (const [answer, { length }] of named)
      if (answer !== '' && answer !== before && length > clients.length / 2 && isConnected(redis))
        redis.disconnect(true);
  };
  let isAsking = false;
  const timer = setInterval(async () => {
    if (isAsking) return;
    isAsking = true;
    await askAll();
    isAsking = false;
  }, WATCH_INTERVAL_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    for (const client of clients) client.disconnect();
  };
}

function isConnected({ status }: Redis): boolean {
  return status === 'connect' || status === 'ready';
}

function groupOf(url: string): string {
  return new URL(url).hostname;
}
