// Sprinkles: how fast they are created, and how fast a crowd claims the shares of one.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../clients/typescript/src/grpc.ts';
import { seedRoom, seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import { Histogram } from '../generator/histogram.ts';
import { grpcCall, overGrpc, owner, pickRandom, won } from './calls.ts';
import { type Bench, type Case, requireKey } from './case.ts';
import { costs, cpuOf, errorsIn, latenciesIn, measure, programsOf, start } from './measure.ts';

const CREATE = 'wallet.v2.SprinkleService/CreateSprinkle';
const CLAIM = 'wallet.v2.SprinkleService/ClaimSprinkle';
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
const CALLS = 4000;
const ROOMS = 100;
const SHARES = 1000;
const MEMBERS = 2000;
const RUSH_AMOUNT = 1_000_000;
/** A rush takes a fraction of a second, so there are several, after some for the warm-up. */
const RUSHES = 5;
const WARM_UP_RUSHES = 2;
/** The crowd uses several connections. */
const RUSH_CONNECTIONS = 8;

/** Sprinkles of ten shares, in a hundred rooms. */
export const CREATE_SPRINKLE: Case = {
  name: 'CreateSprinkle, 10 shares',
  run: async (bench) => {
    const rooms = Array.from({ length: ROOMS }, () => `bench-${randomUUID()}`);
    const { wallets } = bench;
    const firstUser = wallets[0]?.userId ?? 0;
    for (const room of rooms) await seedRoom(bench.stack.database, room, firstUser, wallets.length);
    const calls = Array.from({ length: CALLS }, () => {
      const wallet = pickRandom(wallets);
      const request = { room_id: pickRandom(rooms), wallet_id: wallet.id, amount: won(100), headcount: 10 };
      return grpcCall(CREATE, request, owner(wallet));
    });
    const target = overGrpc(bench, calls, true);
    const plan = { name: CREATE_SPRINKLE.name, target, programs: PROGRAMS, transfersPerCall: 1 };
    return [await measure(bench, { ...plan, openLoop: true })];
  },
};

let nextMember = 2_000_000_000;

/**
 * Two thousand members claim the thousand shares of one sprinkle at the same time. Calls per second count the claims that
 * got a share, until the last share. Every rush has its own members, who claim once each.
 */
export const RUSH: Case = {
  name: 'ClaimSprinkle rush',
  run: async (bench) => {
    const { database } = bench.stack;
    const counted = Math.min(RUSHES, Math.ceil(bench.seconds));
    const all = counted + (bench.seconds < 1 ? 0 : WARM_UP_RUSHES);
    const firstUser = nextMember;
    nextMember += all * MEMBERS;
    await seedWallets(database, { firstUser, wallets: all * MEMBERS, deposits: 1 });
    const creator = bench.wallets[0] as Wallet;
    const crowds = [];
    for (let rush = 0; rush < all; rush++)
      crowds.push(await createCrowd(bench, firstUser + rush * MEMBERS, creator));
    await vacuumAnalyze(database);
    const rounds = [];
    for (const { room, members } of crowds) rounds.push(await rushOnce(bench, room, creator, members));
    return [resultOf(rounds.slice(-counted))];
  },
};

/** A room with its own members and the creator of the sprinkle. */
async function createCrowd({ stack: { database } }: Bench, firstUser: number, creator: Wallet) {
  const room = `rush-${randomUUID()}`;
  await seedRoom(database, room, firstUser, MEMBERS);
  await database.rows('INSERT INTO room_members (room_id, user_id) VALUES ($1, $2)', [room, creator.userId]);
  return { room, members: await walletsOf(database, firstUser, MEMBERS) };
}

/** Creates one sprinkle and waits until every claim is answered. */
async function rushOnce(bench: Bench, room: string, creator: Wallet, members: readonly Wallet[]) {
  const { stack } = bench;
  const connection = connect(stack.grpcAddress, requireKey(bench));
  const request = { room_id: room, wallet_id: creator.id, amount: won(RUSH_AMOUNT), headcount: SHARES };
  const identity = { ...owner(creator), idempotencyKey: randomUUID() };
  const { sprinkle } = await connection.call(CREATE, request, identity);
  connection.close();
  const { token } = sprinkle as { token: string };
  const calls = members.map((member) => grpcCall(CLAIM, { room_id: room, token }, owner(member)));
  const target = overGrpc(bench, calls, true);
  const generator = await start(bench, { target, connections: RUSH_CONNECTIONS }, { kind: 'rush' });
  // Lets the generator become idle; the signatures are valid for a minute.
  await sleep(100);
  const pids = { client: generator.pids, ...programsOf({ programs: PROGRAMS }, stack.processes) };
  const [before, cpuBefore] = [await stack.database.progress(), cpuOf(pids)];
  const done = generator.done();
  generator.record();
  const measured = await done;
  return { measured, before, after: await stack.database.progress(), cpuBefore, cpuAfter: cpuOf(pids) };
}

function resultOf(rounds: readonly Awaited<ReturnType<typeof rushOnce>>[]) {
  const latencies = new Histogram();
  for (const { measured } of rounds) latencies.merge(measured.latencies);
  const sum = (figure: (round: (typeof rounds)[number]) => number) =>
    rounds.reduce((total, round) => total + figure(round), 0);
  const shares = sum(({ measured }) => measured.completed);
  const answered = sum(({ measured }) => measured.sent);
  const cpu = (which: 'cpuBefore' | 'cpuAfter', name: string) => sum((round) => round[which][name] ?? 0);
  // The processes of the generator have ended, and their CPU time cannot be read.
  const names = PROGRAMS.filter((name) => rounds[0]?.cpuAfter[name] !== undefined);
  const all = (which: 'cpuBefore' | 'cpuAfter') =>
    Object.fromEntries(names.map((name) => [name, cpu(which, name)]));
  const refusals = rounds.map(({ measured }) => errorsIn(measured, /SPRINKLE_EMPTY/));
  const refused = refusals.reduce((total, { errors }) => total + errors, 0);
  const lost = shares - rounds.length * SHARES;
  return {
    name: RUSH.name,
    callsPerSecond: shares / sum(({ measured }) => measured.lastOkSeconds),
    ...latenciesIn(latencies),
    cpuSecondsPer1000Calls: costs(all('cpuBefore'), all('cpuAfter'), answered),
    commitsPerTransfer: sum(({ before, after }) => Number(after.transactions - before.transactions)) / shares,
    walBytesPerTransfer: sum(({ before, after }) => Number(after.walBytes - before.walBytes)) / shares,
    errors: refused + Math.abs(lost),
    problems: [
      ...refusals.flatMap(({ problems }) => problems),
      ...(lost === 0 ? [] : [`${shares} shares were handed out of ${rounds.length * SHARES}`]),
    ],
    figures: {
      'answers/s, to those who came too late as well': answered / sum(({ measured }) => measured.seconds),
      'callers turned away': refused,
      'seconds until the last share was gone': sum(({ measured }) => measured.lastOkSeconds) / rounds.length,
    },
  };
}
