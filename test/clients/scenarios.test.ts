// The scenarios that the clients of all languages make fit their format and the contracts.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DescField, type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { parse } from 'yaml';
import { RPCS, registry } from '../../clients/typescript/src/contracts.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'clients', 'scenarios');

interface Step extends Record<string, unknown> {
  readonly call?: string;
  readonly pages?: string;
  readonly stream?: string;
  readonly then?: readonly Step[];
}

interface Scenario extends Record<string, unknown> {
  readonly file: string;
  readonly name: string;
  readonly users?: Record<string, number>;
  readonly steps: readonly Step[];
}

const SCENARIOS: readonly Scenario[] = globSync('*.yaml', { cwd: FOLDER }).flatMap((file) =>
  (parse(readFileSync(join(FOLDER, file), 'utf8')) as Scenario[]).map((scenario) => ({ ...scenario, file })),
);

const SCENARIO_FIELDS = ['file', 'name', 'transports', 'users', 'steps'];
const STEP_FIELDS = [
  ...['call', 'pages', 'stream', 'fault', 'as', 'room', 'key', 'request', 'sign', 'retry', 'repeat', 'over'],
  ...['expect', 'capture', 'error', 'then'],
];
const ERROR_FIELDS = ['status', 'code', 'reason', 'fields', 'retry_after'];
const FAULTS = ['kill', 'kill-in-call', 'lose-answer'];
const VARIABLE = /\$\{(\w+)\}/g;

const allSteps = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => [step, ...allSteps(step.then ?? [])]);

const onlyHas = (what: object, fields: readonly string[], where: string) =>
  assert.deepEqual(
    Object.keys(what).filter((name) => !fields.includes(name)),
    [],
    where,
  );

/** The names of the fields in an expectation that its message does not have. */
function unknownFields(expected: unknown, message: DescMessage): string[] {
  if (typeof expected !== 'object' || expected === null) return [];
  return Object.entries(expected).flatMap(([name, value]) => {
    if (message.typeName.startsWith('google.protobuf.')) return [];
    const field = message.fields.find((known: DescField) => known.name === name);
    if (!field) return [`${message.typeName}.${name}`];
    return [value].flat().flatMap((element) => (field.message ? unknownFields(element, field.message) : []));
  });
}

/** A value with its variables replaced by what they may be: a time, or a number, which is a text too. */
function filled(value: unknown, times: ReadonlySet<string>): JsonValue {
  const text = JSON.stringify(value ?? {});
  return JSON.parse(
    text.replace(VARIABLE, (_all, name) => (times.has(name) ? '2026-01-01T00:00:00Z' : '7')),
  ) as JsonValue;
}

test('every scenario has a name of its own and the fields of its format', () => {
  assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  for (const scenario of SCENARIOS) {
    const where = `${scenario.file}: ${scenario.name}`;
    onlyHas(scenario, SCENARIO_FIELDS, where);
    for (const step of allSteps(scenario.steps)) {
      onlyHas(step, STEP_FIELDS, where);
      onlyHas((step.error as object | undefined) ?? {}, ERROR_FIELDS, where);
      const kinds = ['call', 'pages', 'stream'].filter((kind) => step[kind] !== undefined);
      assert.equal(kinds.length, step.fault === 'kill' ? 0 : 1, where);
      assert.ok(step.fault === undefined || FAULTS.includes(String(step.fault)), where);
      assert.ok(step.as === undefined || String(step.as) in (scenario.users ?? {}), `${where}: ${step.as}`);
    }
  }
});

test('every request and every expectation fits the message of its RPC, and every variable has a value', () => {
  for (const { file, name, users = {}, steps } of SCENARIOS) {
    const known = new Set(['unique', ...Object.keys(users)]);
    const times = new Set<string>();
    for (const step of allSteps(steps)) {
      const rpc = RPCS.get(String(step.call ?? step.pages ?? step.stream));
      const where = `${file}: ${name}: ${rpc?.name}`;
      if (step.fault === 'kill') continue;
      assert.ok(rpc, where);
      assert.equal(rpc.methodKind, step.stream === undefined ? 'unary' : 'server_streaming', where);
      for (const [, variable = ''] of JSON.stringify(step).matchAll(VARIABLE))
        assert.ok(known.has(variable), `${where}: ${variable}`);
      for (const [variable, path] of Object.entries((step.capture as object | undefined) ?? {})) {
        known.add(variable);
        if (String(path).endsWith('_at')) times.add(variable);
      }
      assert.doesNotThrow(() => fromJson(rpc.input, filled(step.request, times), { registry }), where);
      if (step.pages === undefined) assert.deepEqual(unknownFields(step.expect, rpc.output), [], where);
    }
  }
});

test('every RPC of wallet.v1 and wallet.v2 is called', () => {
  const called = new Set(
    SCENARIOS.flatMap(({ steps }) => allSteps(steps)).map(
      ({ call, pages, stream }) => call ?? pages ?? stream,
    ),
  );
  // The runner itself makes users.
  called.add('wallet.v2.UserService/CreateUser');
  const missing = [...RPCS.keys()].filter((name) => name.startsWith('wallet.') && !called.has(name));
  assert.deepEqual(missing, [], 'no step of clients/scenarios calls these');
});
