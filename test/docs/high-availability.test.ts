// docs/high-availability.md, the files of deploy/ha/ for Postgres and its runbooks say the same of settings, addresses and ports.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const PAGE = read('docs/high-availability.md');
const patroni = parse(read('deploy/ha/patroni.yml'));
const { dcs } = patroni.bootstrap;
const NODES = ['10.0.0.11', '10.0.0.12', '10.0.0.13'];

test('Patroni replaces a lost primary in time and loses nothing that was answered', () => {
  assert.ok(dcs.ttl >= dcs.loop_wait + 2 * dcs.retry_timeout, "Patroni's own rule");
  assert.ok(dcs.ttl + dcs.retry_timeout <= 30, 'a lost machine is promised to cost 30 s at most');
  assert.ok(PAGE.includes(`after \`ttl\`, ${dcs.ttl} s`));
  for (const name of ['synchronous_mode', 'failsafe_mode', 'check_timeline'])
    assert.equal(dcs[name], true, name);
  assert.equal(dcs.synchronous_mode_strict, false);
  assert.ok(PAGE.includes('`synchronous_mode_strict: false`'));
  assert.deepEqual([dcs.postgresql.use_pg_rewind, dcs.postgresql.use_slots], [true, true]);
});

test('nothing but TLS and this machine may log in', () => {
  const lines: string[] = patroni.postgresql.pg_hba;
  const open = lines.filter((line) => !line.startsWith('hostssl') && !line.includes('127.0.0.1/32'));
  assert.deepEqual(open, []);
  for (const line of lines) assert.match(line, / scram-sha-256$/);
});

test('backups may be taken on the node, and over TLS from elsewhere', () => {
  const lines: string[] = patroni.postgresql.pg_hba;
  for (const [type, address] of [
    ['host', '127.0.0.1/32'],
    ['hostssl', '10.0.0.0/24'],
  ])
    for (const login of ['replicator', 'postgres'])
      assert.ok(
        lines.some((line) => {
          const [is, database, logins, from] = line.split(' ');
          return (
            is === type &&
            database === 'replication' &&
            logins?.split(',').includes(login) &&
            from === address
          );
        }),
        `${login} from ${address}`,
      );
  const env = parseEnv(read('deploy/ha/patroni.env'));
  assert.deepEqual(
    [env.PATRONI_SUPERUSER_USERNAME, env.PATRONI_REPLICATION_USERNAME],
    ['postgres', 'replicator'],
  );
});

test('WAL is archived as docs/recovery.md says', () => {
  const command = /^archive_command = '(.*)'$/m.exec(read('docs/recovery.md'))?.[1];
  assert.equal(dcs.postgresql.parameters.archive_command, command);
});

test('no secret stands in the files, and Patroni and etcd name the same three nodes', () => {
  const env = parseEnv(read('deploy/ha/patroni.env'));
  for (const [name, value] of Object.entries(env))
    if (name.endsWith('PASSWORD')) assert.equal(value, 'CHANGE_ME', name);
  assert.doesNotMatch(read('deploy/ha/patroni.yml'), /password:/);
  const etcd = parseEnv(read('deploy/ha/etcd.env'));
  for (const node of NODES) {
    assert.ok(env.PATRONI_ETCD3_HOSTS?.includes(`${node}:2379`), node);
    assert.ok(etcd.ETCD_INITIAL_CLUSTER?.includes(`http://${node}:2380`), node);
  }
});

test('over TLS etcd asks for certificates on each side, and Patroni shows the same ones', () => {
  const etcd = parseEnv(read('deploy/ha/etcd-tls.env'));
  const own = parseEnv(read('deploy/ha/patroni-etcd-tls.env'));
  assert.equal(own.PATRONI_ETCD3_PROTOCOL, 'https');
  for (const side of ['ETCD', 'ETCD_PEER']) {
    assert.equal(etcd[`${side}_CLIENT_CERT_AUTH`], 'true');
    const files = ['TRUSTED_CA_FILE', 'CERT_FILE', 'KEY_FILE'].map((name) => etcd[`${side}_${name}`]);
    assert.deepEqual(files, [own.PATRONI_ETCD3_CACERT, own.PATRONI_ETCD3_CERT, own.PATRONI_ETCD3_KEY]);
  }
});

test('both doors know the same nodes, ports and health checks', () => {
  const envoy = parse(read('deploy/ha/envoy-postgres.yaml')).static_resources;
  const haproxy = read('deploy/ha/haproxy.cfg');
  for (const { name, ...cluster } of envoy.clusters) {
    const [check] = cluster.health_checks;
    assert.ok(haproxy.includes(`option httpchk OPTIONS ${check.http_health_check.path}\n`), name);
    assert.equal(cluster.close_connections_on_host_health_failure, true);
    assert.equal(cluster.common_lb_config.healthy_panic_threshold.value, 0);
    const [{ lb_endpoints: hosts }] = cluster.load_assignment.endpoints;
    assert.deepEqual(
      hosts.map(
        ({ endpoint }: { endpoint: { address: { socket_address: { address: string } } } }) =>
          endpoint.address.socket_address.address,
      ),
      NODES,
    );
  }
  for (const { address } of envoy.listeners) {
    const { address: host, port_value: port } = address.socket_address;
    assert.ok(haproxy.includes(`bind ${host}:${port}\n`));
    assert.ok(PAGE.includes(`\`${host}:${port}\``));
  }
  assert.equal([...haproxy.matchAll(/^ {2}server /gm)].length, 2 * NODES.length);
});

test('CloudNativePG has as many nodes, a synchronous standby, and the settings of Patroni', () => {
  const documents = parseAllDocuments(read('deploy/ha/cloudnative-pg.yaml')).map((document) =>
    document.toJS(),
  );
  const [cluster, store, backup] = documents;
  assert.deepEqual(
    documents.map(({ kind }) => kind),
    ['Cluster', 'ObjectStore', 'ScheduledBackup'],
  );
  const { instances, postgresql, plugins } = cluster.spec;
  assert.equal(instances, NODES.length);
  assert.deepEqual([postgresql.synchronous.method, postgresql.synchronous.number], ['any', 1]);
  assert.equal(postgresql.synchronous.dataDurability === 'required', dcs.synchronous_mode_strict);
  const shared = Object.keys(postgresql.parameters).filter((name) => name in dcs.postgresql.parameters);
  assert.ok(shared.length >= 10, shared.join());
  for (const name of shared) {
    const ours = String(dcs.postgresql.parameters[name]);
    assert.equal(postgresql.parameters[name], ours, name);
  }
  assert.equal(plugins[0].parameters.barmanObjectName, store.metadata.name);
  assert.equal(backup.spec.cluster.name, cluster.metadata.name);
});
