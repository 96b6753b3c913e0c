// The steps of docs/production.md, for tests that run them on free ports.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { findFree } from '../../scripts/dev/ports.ts';
import { blocksOf } from '../clients/documented.ts';

const PAGE = 'docs/production.md';
/** The ports that stand in the page. */
const PORTS = ['50051', '50052', '9464', '9465', '9466', '8080', '8081', '9901'];
/** An address of this machine that a server which listens on 127.0.0.1 alone is not reached by. */
export const INNER = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';

/** Free ports by those that stand in the page. */
export async function findPagePorts(): Promise<ReadonlyMap<string, number>> {
  const free = await findFree(PORTS.length);
  return new Map(PORTS.map((port, index) => [port, free[index] ?? 0]));
}

/** The page's one block with a text in it, with free ports in the place of its own. */
export function stepWith(text: string, ports: ReadonlyMap<string, number>): string {
  const found = blocksOf(PAGE, 'sh').filter((block) => block.includes(text));
  assert.equal(found.length, 1, `${found.length} steps with ${text}`);
  const ported = new RegExp(`\\b(?:${PORTS.join('|')})\\b`, 'g');
  return (found[0] ?? '').replaceAll(ported, (port) => `${ports.get(port)}`);
}

/** The settings that the page begins with, and where its programs are. */
export function pageEnvironment(ownerUrl: string, redisUrl: string): NodeJS.ProcessEnv {
  const owner = new URL(ownerUrl);
  const programs = [dirname(process.execPath), dirname(process.env.TEST_ENVOY ?? '')];
  return {
    PATH: [...programs, process.env.PATH].join(':'),
    OWNER_URL: owner.href,
    DATABASE: `${owner.host}${owner.pathname}`,
    REDIS_URL: redisUrl,
    INNER_ADDRESS: INNER,
    PUBLIC_ADDRESS: '127.0.0.1',
  };
}

/** A value in the output of `npm run keys`. */
export function shownValue(shown: string, name: string): string {
  const value = new RegExp(`"?${name}"?: *["']([^"']+)["']`).exec(shown)?.[1];
  assert.ok(value, `npm run keys shows no ${name}: ${shown}`);
  return value;
}
