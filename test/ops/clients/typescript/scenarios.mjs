// Makes the scenarios of clients/scenarios over gRPC and REST with the installed package, as clients/scenarios/README.md says.
import { createPrivateKey, randomBytes, randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { status } from '@grpc/grpc-js';
import { connect, hmacKey, PpuriError } from '@ppuri/client';
import { parse } from 'yaml';

const { SCENARIOS, PPURI, PPURI_GRPC, KEY_ID, SECRET, ED25519_KEY_ID, ED25519_PEM, FAULTS } = process.env;
const OLD_MS = 120_000;
/** A call or stream, while a busy machine starts a server again. */
const PATIENT = { timeoutMs: 120_000 };

const hmac = hmacKey(KEY_ID, SECRET);
const ed25519 = { keyId: ED25519_KEY_ID, kind: 'ed25519', privateKey: createPrivateKey(ED25519_PEM) };
const signers = {
  hmac: [hmac],
  ed25519: [ed25519],
  'wrong-secret': [hmacKey(KEY_ID, 'wrong')],
  old: [hmac, { now: () => Date.now() - OLD_MS }],
};
const connections = new Map();

/** The connection over a transport that signs so; opened when it is first needed. */
function connectionOf(transport, sign) {
  const name = `${transport} ${sign}`;
  const known = connections.get(name) ?? connect(transport === 'grpc' ? PPURI_GRPC : PPURI, ...signers[sign]);
  connections.set(name, known);
  return known;
}

/** A value with its variables replaced. */
function filled(value, variables) {
  const get = (name) => {
    if (!variables.has(name)) throw new Error(`there is no variable ${name}`);
    return variables.get(name);
  };
  if (Array.isArray(value)) return value.map((element) => filled(element, variables));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, filled(field, variables)]));
  if (typeof value !== 'string') return value;
  const whole = /^\$\{(\w+)\}$/.exec(value);
  return whole ? get(whole[1]) : value.replace(/\$\{(\w+)\}/g, (_match, name) => String(get(name)));
}

const at = (answer, path) =>
  [...path.matchAll(/\w+/g)].reduce(
    (value, [name]) => value?.[/^\d+$/.test(name) ? Number(name) : name],
    answer,
  );

const textOf = (value) =>
  value === undefined || value === 0 || value === '0' || value === false ? '' : String(value);

function checkFits(answer, expected, where) {
  if (expected === '*') {
    if (
      answer === undefined ||
      answer === null ||
      answer === '' ||
      (Object.keys(Object(answer)).length === 0 && typeof answer === 'object')
    )
      throw new Error(`${where} is empty`);
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(answer) || answer.length !== expected.length)
      throw new Error(`${where} is ${inspect(answer)} and not a list of ${expected.length}`);
    for (const [index, element] of expected.entries())
      checkFits(answer[index], element, `${where}[${index}]`);
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [name, value] of Object.entries(expected))
      checkFits(answer?.[name], value, `${where}.${name}`);
  } else if (textOf(answer) !== textOf(expected)) {
    throw new Error(`${where} is ${inspect(answer)} and not ${inspect(expected)}`);
  }
}

function checkError(error, expected) {
  if (!(error instanceof PpuriError)) throw error;
  const found = {
    status: status[error.status],
    code: error.code,
    reason: error.reason,
    fields: error.violations
      .map(({ field }) => field)
      .sort()
      .join(),
    retry_after: (error.retryAfterMs ?? 0) > 0,
  };
  for (const [name, value] of Object.entries(expected)) {
    const wanted = Array.isArray(value) ? [...value].sort().join() : value;
    if (found[name] !== wanted)
      throw new Error(`${name} is ${inspect(found[name])} and not ${inspect(wanted)}`, { cause: error });
  }
  if (!error.requestId) throw new Error('the error has no request id', { cause: error });
}

async function makeFault(fault, userId) {
  const answer = await fetch(`${FAULTS}/${fault}`, {
    method: 'POST',
    body: JSON.stringify({ user_id: userId ?? '' }),
  });
  if (answer.status !== 200) throw new Error(`there is no fault ${fault}`);
}

/** The answer of a step: a response, the counts of pages, or the last message of a stream. */
async function answerOf(step, { transport, variables, steps }) {
  const connection = connectionOf(step.over ?? transport, step.sign ?? 'hmac');
  const { as, room, key, retry } = step;
  const identity = {
    userId: as && variables.get(as),
    roomId: filled(room, variables),
    idempotencyKey: filled(key, variables),
  };
  const request = filled(step.request ?? {}, variables);
  if (step.call) return connection.call(step.call, request, identity, { ...PATIENT, retry });
  if (step.pages) {
    const counts = { pages: 0, items: 0 };
    for await (const page of connection.pages(step.pages, request, identity, PATIENT)) {
      counts.pages += 1;
      counts.items += Object.values(page).find(Array.isArray).length;
    }
    return counts;
  }
  let last;
  for await (const message of connection.stream(step.stream, request, identity, PATIENT)) {
    if (last === undefined) await steps(step.then ?? []);
    last = message;
  }
  return last;
}

async function makeStep(step, context) {
  const { variables } = context;
  if (step.fault) await makeFault(step.fault, step.as && variables.get(step.as));
  if (!step.call && !step.pages && !step.stream) return;
  let errors = 0;
  for (let time = 0; time < (step.repeat ?? 1); time++) {
    let answer;
    try {
      answer = await answerOf(step, context);
    } catch (error) {
      if (!step.error) throw error;
      checkError(error, step.error);
      errors += 1;
      continue;
    }
    if (step.expect) checkFits(answer, filled(step.expect, variables), 'answer');
    for (const [name, path] of Object.entries(step.capture ?? {})) variables.set(name, at(answer, path));
  }
  if (step.error && errors === 0) throw new Error('there was no error');
}

async function makeScenario(scenario, transport) {
  const variables = new Map([['unique', randomBytes(4).toString('hex')]]);
  const admin = connectionOf(transport, 'hmac');
  for (const [alias, balance] of Object.entries(scenario.users ?? {})) {
    const userId = String(randomInt(1, 2 ** 47) + 2 ** 47);
    variables.set(alias, userId);
    await admin.call(
      'wallet.v2.UserService/CreateUser',
      { user_id: userId, display_name: alias },
      {},
      PATIENT,
    );
    if (balance > 0)
      await admin.call('wallet.v1.WalletService/Charge', { amount: balance }, { userId }, PATIENT);
  }
  const steps = async (list) => {
    for (const step of list) {
      try {
        await makeStep(step, { transport, variables, steps });
      } catch (error) {
        throw new Error(inspect(step), { cause: error });
      }
    }
  };
  await steps(scenario.steps);
}

let failed = 0;
for (const file of readdirSync(SCENARIOS)
  .filter((name) => name.endsWith('.yaml'))
  .sort()) {
  for (const scenario of parse(readFileSync(join(SCENARIOS, file), 'utf8'))) {
    for (const transport of scenario.transports ?? ['grpc', 'rest']) {
      const title = `${scenario.name} over ${transport}`;
      try {
        await makeScenario(scenario, transport);
        console.log(`ok ${title}`);
      } catch (error) {
        failed += 1;
        console.log(`not ok ${title}: ${inspect(error)}`);
      }
    }
  }
}
for (const connection of connections.values()) connection.close();
process.exitCode = failed === 0 ? 0 : 1;
