// Which errors are the infrastructure's: each kind once, as Node, pg and sequelize make them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import * as sequelize from 'sequelize';
import { isUnreachable } from '../../src/db/pool.ts';

const ofState = (code: string) => Object.assign(new pg.DatabaseError('said', 4, 'error'), { code });
const ofNode = (code: string, syscall = 'read') => Object.assign(new Error(code), { code, syscall });

test('SQLSTATEs of a Postgres that cannot work are known, and those of a refusal are not', () => {
  const unreachable =
    '08000 08006 25006 25P03 25P04 28000 28P01 3D000 40001 40003 40P01 53100 53200 53300 53400 55000 55P03 57014 57P01 57P02 57P03 57P05 58000 58030';
  for (const state of unreachable.split(' ')) assert.ok(isUnreachable(ofState(state)), state);
  for (const state of '22021 22P02 23505 23514 42501 42P01 P0001 XX000 XX001'.split(' '))
    assert.ok(!isUnreachable(ofState(state)), state);
});

test('errors of the network, of names and of certificates are known', () => {
  const codes =
    'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENETRESET EAI_AGAIN EAI_FAIL EADDRNOTAVAIL EMFILE ENFILE ENOBUFS ENOTCONN ESHUTDOWN EPROTO ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER ERR_STREAM_DESTROYED CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE';
  for (const code of codes.split(' ')) assert.ok(isUnreachable(ofNode(code)), code);
  for (const code of ['EACCES', 'ENOENT', 'EPERM']) assert.ok(isUnreachable(ofNode(code, 'connect')), code);
  assert.ok(isUnreachable(new AggregateError([ofNode('ENETUNREACH', 'connect')], '')));
  // Files have errors too.
  for (const code of ['EACCES', 'ENOENT', 'ENOSPC', 'EISDIR']) assert.ok(!isUnreachable(ofNode(code)), code);
});

test('what the drivers say is known, also inside of what sequelize says', () => {
  const words = [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'Cannot use a pool after calling end on the pool',
    'The server does not support SSL connections',
    'There was an error establishing an SSL connection',
  ];
  for (const word of words) {
    assert.ok(isUnreachable(new Error(word)), word);
    assert.ok(isUnreachable(new sequelize.DatabaseError(Object.assign(new Error(word), { sql: '' }))), word);
  }
  assert.ok(!isUnreachable(new Error('the batch has not loaded an external account')));
  assert.ok(!isUnreachable(undefined));
});

test('each kind of connection error that sequelize has is known, and no other error of its', () => {
  const classes: readonly unknown[] = Object.values(sequelize);
  const errors = classes.filter(
    (one): one is new (cause: Error) => Error =>
      typeof one === 'function' && one.prototype instanceof sequelize.BaseError,
  );
  const known = errors.filter((Kind) => isUnreachable(new Kind(new Error('whatever it was'))));
  const ofConnections = errors.filter(
    (Kind) => Kind === sequelize.ConnectionError || Kind.prototype instanceof sequelize.ConnectionError,
  );
  assert.ok(ofConnections.length >= 8 && errors.length > ofConnections.length);
  assert.deepEqual(known, ofConnections);
});
