// Reads on a real streaming replica: never without what was committed before they came, and on the primary else.
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { until } from '../until.ts';
import { type OwnReplica, startOwnReplica } from './own-replica.ts';
import { type Reading, type ReplicaServer, startReplicaServer, TIMEOUT_MS } from './replica-server.ts';

let own: OwnReplica;
let writer: pg.Pool;

before(async () => {
  own = await startOwnReplica();
  // Not the process that reads: nothing it knows helps the reader.
  writer = new pg.Pool({ connectionString: own.primary.ownerUrl, max: 1 });
  writer.on('error', () => {});
  await writer.query('CREATE TABLE notes (id integer PRIMARY KEY); GRANT SELECT ON notes TO ppuri_app');
});
after(async () => {
  await writer?.end();
  await own?.stop();
});

async function inProcess(
  work: (process: ReplicaServer) => Promise<void>,
  how: Parameters<typeof startReplicaServer>[1] = {},
) {
  const process = startReplicaServer(own, how);
  await work(process).finally(() => process.close());
}

let lastNote = 0;
async function write(): Promise<number> {
  lastNote += 1;
  await writer.query('INSERT INTO notes VALUES ($1)', [lastNote]);
  return lastNote;
}

/** Writes and reads at once, again and again. */
async function writeAndRead(process: ReplicaServer, rounds: number): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (let round = 0; round < rounds; round++) readings.push(await process.read(await write()));
  return readings;
}

const missed = (readings: readonly Reading[]) => readings.filter(({ hasNote }) => !hasNote).length;
const onReplica = (readings: readonly Reading[]) => readings.filter(({ isReplica }) => isReplica).length;

/** The replica is used by a process that may have found it failing just before. */
const untilUsed = ({ read }: ReplicaServer) =>
  until('the replica is used', async () => (await read(lastNote)).isReplica);

test('reads go to the replica', async () => {
  await inProcess(async (process) => {
    await untilUsed(process);
    // A replica that lags too far, on a busy machine, leaves reads to the primary for a while.
    await until('most reads come from the replica', async () => {
      const readings = await writeAndRead(process, 50);
      assert.equal(missed(readings), 0);
      return onReplica(readings) > 25;
    });
  });
});

/** Any position will do. */
const withoutPosition = (text: string) => text.replace('pg_last_wal_replay_lsn() >= $1::pg_lsn', `$1 <> ''`);
/** Any primary will do. */
const withoutRun = (text: string) =>
  text.replace(/EXISTS \(SELECT FROM primary_run.*\$2::bigint\)/s, `$2 <> ''`);

test('a replica that lags a little is waited for: what was just written is always there', async () => {
  await own.delay(15);
  try {
    await inProcess(async (process) => {
      await untilUsed(process);
      const readings = await writeAndRead(process, 60);
      assert.equal(missed(readings), 0);
      assert.ok(onReplica(readings) > 0, 'none from the replica');
    });
    // Without asking for the position it is not there: the test sees what it is about.
    await inProcess(
      async (process) => {
        assert.ok(missed(await writeAndRead(process, 60)) > 0, 'nothing is missed without the guard either');
      },
      { change: withoutPosition },
    );
  } finally {
    await own.delay(0);
  }
});

test('a read does not share a position that was asked for before its own write', async () => {
  let delivered = Promise.resolve();
  const work = async (process: ReplicaServer) => {
    await untilUsed(process);
    await own.delay(25);
    for (let round = 0; round < 10; round++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      delivered = promise;
      const early = process.read(0);
      // The primary has answered by then, and nobody has heard it.
      const note = await write();
      const late = Promise.all(Array.from({ length: 5 }, () => process.read(note)));
      resolve();
      assert.equal(missed(await late), 0);
      await early;
    }
  };
  await inProcess(work, { deliver: () => delivered }).finally(() => own.delay(0));
});

const FAULTS: Record<string, { does: () => unknown; undo: () => unknown }> = {
  'stops replaying': {
    does: () => own.query('SELECT pg_wal_replay_pause()'),
    undo: () => own.query('SELECT pg_wal_replay_resume()'),
  },
  hangs: { does: () => own.freeze(), undo: () => own.thaw() },
  'is killed': { does: () => own.kill(), undo: () => own.restart() },
};

for (const [what, { does, undo }] of Object.entries(FAULTS)) {
  test(`a replica that ${what}: the primary answers, the breaker opens, and it is found again`, async () => {
    await inProcess(async (process) => {
      await untilUsed(process);
      process.states.length = 0;
      await does();
      try {
        const startedAt = performance.now();
        const readings = await writeAndRead(process, 30);
        assert.deepEqual([missed(readings), onReplica(readings)], [0, 0]);
        assert.equal(process.states[0], 'open');
        // The first few wait for the replica, the others don't.
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs < 20 * TIMEOUT_MS, `${tookMs} ms`);
        await until('the replica is tried again', () => process.states.includes('half-open'));
        assert.equal(missed([await process.read(await write())]), 0);
      } finally {
        await undo();
      }
      // With nobody calling.
      await until('the breaker closes', () => process.reader.state() === 'closed');
      await untilUsed(process);
    });
  });
}

test('reads beyond the capacity of the replica go to the primary and do not open the breaker', async () => {
  await inProcess(
    async (process) => {
      await untilUsed(process);
      process.states.length = 0;
      const note = await write();
      const readings = await Promise.all(Array.from({ length: 40 }, () => process.read(note, 0.02)));
      assert.equal(missed(readings), 0);
      assert.ok(onReplica(readings) <= 4, `${onReplica(readings)} on the replica`);
      assert.deepEqual(process.states, []);
    },
    { capacity: 4 },
  );
});

test('a primary restored to an earlier moment: a replica that stands further, but elsewhere, is not used', async () => {
  const { rows } = await writer.query<{ data_directory: string }>('SHOW data_directory');
  const folder = rows[0]?.data_directory ?? '';
  const snapshot = `${folder}.snapshot`;
  await own.primary.kill();
  cpSync(folder, snapshot, { recursive: true });
  await own.primary.restart();
  await inProcess(async (process) => {
    for (let segment = 0; segment < 3; segment++) {
      await write();
      await writer.query('SELECT pg_switch_wal()');
    }
    await untilUsed(process);
  });
  await own.primary.kill();
  rmSync(folder, { recursive: true });
  cpSync(snapshot, folder, { recursive: true });
  await own.primary.restart();
  lastNote += 1000;
  await inProcess(async (process) => {
    const readings = await writeAndRead(process, 10);
    assert.deepEqual([missed(readings), onReplica(readings)], [0, 0]);
  });
  await inProcess(
    async (process) => {
      assert.ok(missed(await writeAndRead(process, 10)) > 0, 'nothing is missed without the guard either');
    },
    { change: withoutRun },
  );
});

test('a promoted replica is not used', async () => {
  await own.query('SELECT pg_promote()');
  await inProcess(async (process) => {
    const readings = await writeAndRead(process, 10);
    assert.deepEqual([missed(readings), onReplica(readings)], [0, 0]);
  });
});
