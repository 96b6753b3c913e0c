// docs/configuration.md lists the variables that the programs read: it is printed from the same declarations.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationPage } from '../../scripts/contracts/configuration-page.ts';
import { variableNames } from '../../src/runtime/env.ts';
import { SERVER_VARIABLES } from '../../src/server/config.ts';
import { WORKER_VARIABLES } from '../../src/worker/config.ts';

const NAMES = new Set([...variableNames(SERVER_VARIABLES), ...variableNames(WORKER_VARIABLES)]);

test('the page is in step with the code (npm run configuration prints it again)', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.deepEqual(page.split('\n'), configurationPage().split('\n'));
});

test('a variable that both programs read is declared once', () => {
  const names = [...variableNames({ ...SERVER_VARIABLES, ...WORKER_VARIABLES })];
  assert.deepEqual(names.length, NAMES.size);
});
