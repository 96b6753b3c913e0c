// The table of services and the contracts name the same services, and each RPC has a handler.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditTrail } from '../../src/domain/act.ts';
import { CONTRACTS, SERVICES } from '../../src/grpc/contracts.ts';
import { serviceName } from '../../src/grpc/handlers.ts';
import { adminServices, publicServices } from '../../src/grpc/services.ts';
import type { AdminCore, Core } from '../../src/usecases/index.ts';

const TABLE = [...publicServices({} as Core), ...adminServices({} as AdminCore, {} as AuditTrail)];

test('the table has every service of the contracts', () => {
  assert.deepEqual(TABLE.map(({ definition }) => serviceName(definition)).toSorted(), SERVICES.toSorted());
});

test('every RPC of the contracts has a handler', () => {
  const handled = TABLE.flatMap(({ definition, handlers }) =>
    Object.entries(definition).flatMap(([name, { path }]) => (handlers[name] ? [path] : [])),
  );
  assert.deepEqual(handled.toSorted(), [...CONTRACTS.keys()].toSorted());
});

test('the public services are all but those of admin.v1', () => {
  const isAdmin = (name: string) => name.startsWith('admin.');
  const open = publicServices({} as Core).map(({ definition }) => serviceName(definition));
  assert.deepEqual(open.filter(isAdmin), []);
  assert.equal(open.length, SERVICES.filter((name) => !isAdmin(name)).length);
});
