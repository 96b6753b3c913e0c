// Sprinkles: how fast they are created, and how fast a crowd claims the shares of one.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../clients/typescript/src/connection.ts';
import { seedRoom, seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import { Histogram } from '../generator/histogram.ts';
import type { SignedCall } from '../generator/protocol.ts';
import { grpcCall, overGrpc, owner, pickRandom, won } from './calls.ts';
import { type Bench, type Case, requireKey } from './case.ts';
import { costs, cpuOf, errorsIn, latenciesIn, measure, programsOf, start } from './measure.ts';

const CREATE = 'wallet.v2.SprinkleService/CreateSprinkle';
const CLAIM = 'wallet.v2.SprinkleService/ClaimSprinkle';
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
const CALLS = 4000;
const ROOMS = 100;
const RUSH_AMOUNT = 1_000_000;
/** A smoke test has a tenth of the crowd, which a busy machine can answer as well. */
const crowdOf = ({ seconds }: Bench) =>
  seconds < 1 ? { shares: 100, members: 200 } : { shares: 1000, members: 2000 };
/**
 * A rush takes a fraction of a second, so there are several, after some for the warm-up. All of them come from the same
 * processes, over the same connections: like those of an edge they are open before, and the callers' code is compiled.
 */
const RUSHES = 5;
const WARM_UP_RUSHES = 2;
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
    const { members } = crowdOf(bench);
    const counted = Math.min(RUSHES, Math.ceil(bench.seconds));
    const all = counted + (bench.seconds < 1 ? 0 : WARM_UP_RUSHES);
    const firstUser = nextMember;
    nextMember += all * members;
    await seedWallets(database, { firstUser, wallets: all * members, deposits: 1 });
    const creator = bench.wallets[0] as Wallet;
    const calls = [];
    for (let rush = 0; rush < all; rush++)
      calls.push(...(await callsOfCrowd(bench, firstUser + rush * members, creator)));
    await vacuumAnalyze(database);
    const rounds = await rushes(bench, calls, all);
    return [resultOf(rounds.slice(-counted), crowdOf(bench).shares)];
  },
};

/** Creates a room with its own members, and a sprinkle there; returns the members' claims. */
async function callsOfCrowd(bench: Bench, firstUser: number, creator: Wallet): Promise<SignedCall[]> {
  const { stack } = bench;
  const { database } = stack;
  const room = `rush-${randomUUID()}`;
  await seedRoom(database, room, firstUser, crowdOf(bench).members);
  await database.rows('INSERT INTO room_members (room_id, user_id) VALUES ($1, $2)', [room, creator.userId]);
  const members = await walletsOf(database, firstUser, crowdOf(bench).members);
  const connection = connect(stack.grpcAddress, requireKey(bench));
  const request = {
    room_id: room,
    wallet_id: creator.id,
    amount: won(RUSH_AMOUNT),
    headcount: crowdOf(bench).shares,
  };
  const identity = { ...owner(creator), idempotencyKey: randomUUID() };
  const { sprinkle } = await connection.call(CREATE, request, identity);
  connection.close();
  const { token } = sprinkle as { token: string };
  return members.map((member) => grpcCall(CLAIM, { room_id: room, token }, owner(member)));
}

/** Lets one crowd after the other make its claims, each of which begins when every claim of the one before is answered. */
async function rushes(bench: Bench, calls: readonly SignedCall[], crowds: number) {
  const { stack } = bench;
  const target = overGrpc(bench, calls, true);
  const model = { kind: 'rush', callers: crowdOf(bench).members } as const;
  const generator = await start(bench, { target, connections: RUSH_CONNECTIONS }, model);
  const pids = { client: generator.pids, ...programsOf({ programs: PROGRAMS }, stack.processes) };
  const rounds = [];
  for (let crowd = 0; crowd < crowds; crowd++) {
    await generator.prepare();
    // Lets the generator become idle; the signatures are valid for a minute.
    await sleep(100);
    const [before, cpuBefore] = [await stack.database.progress(), cpuOf(pids)];
    const measured = await generator.rush();
    const after = await stack.database.progress();
    rounds.push({ measured, before, after, cpuBefore, cpuAfter: cpuOf(pids) });
  }
  await generator.stop();
  return rounds;
}

function resultOf(rounds: Awaited<ReturnType<typeof rushes>>, sharesEach: number) {
  const latencies = new Histogram();
  for (const { measured } of rounds) latencies.merge(measured.latencies);
  const sum = (figure: (round: (typeof rounds)[number]) => number) =>
    rounds.reduce((total, round) => total + figure(round), 0);
  const shares = sum(({ measured }) => measured.completed);
  const answered = sum(({ measured }) => measured.sent);
  const all = (which: 'cpuBefore' | 'cpuAfter') =>
    Object.fromEntries(
      ['client', ...PROGRAMS].map((name) => [name, sum((round) => round[which][name] ?? 0)]),
    );
  const refusals = rounds.map(({ measured }) => errorsIn(measured, /SPRINKLE_EMPTY/));
  const refused = refusals.reduce((total, { errors }) => total + errors, 0);
  const lost = shares - rounds.length * sharesEach;
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
      ...(lost === 0 ? [] : [`${shares} shares were handed out of ${rounds.length * sharesEach}`]),
    ],
    figures: {
      'answers/s, to those who came too late as well': answered / sum(({ measured }) => measured.seconds),
      'callers turned away': refused,
      'seconds until the last share was gone': sum(({ measured }) => measured.lastOkSeconds) / rounds.length,
    },
  };
}
