// Serves the page that draws the panels of the dashboards from Prometheus, where there is no Grafana.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { findFree, HOST } from '../../dev/ports.ts';
import { DASHBOARDS, DASHBOARDS_FOLDER } from '../dashboards/index.ts';

/** What the page is drawn from. */
export interface PanelsOptions {
  readonly prometheusUrl: string;
  /** How often Prometheus scrapes; 15 s, as deployed, by default. */
  readonly scrapeSeconds?: number;
  /** A free port is chosen when it is left out. */
  readonly port?: number;
}

/** The page while it is served. */
export interface Panels extends AsyncDisposable {
  readonly name: string;
  /** Its address; `#NAME` after it shows a dashboard, `#NAME/300` its last 300 s. */
  readonly url: string;
}

const PAGE = new URL('panels-page/', import.meta.url);
const RUNBOOKS = new URL('../../../docs/runbooks/', import.meta.url);
const packageFile = (path: string) => new URL(import.meta.resolve(path));

/** The files of the page. */
const FILES: Readonly<Record<string, { readonly file: URL; readonly type: string }>> = {
  '/': { file: new URL('index.html', PAGE), type: 'text/html' },
  '/style.css': { file: new URL('style.css', PAGE), type: 'text/css' },
  '/page.mjs': { file: new URL('page.mjs', PAGE), type: 'text/javascript' },
  '/chart.mjs': { file: new URL('chart.mjs', PAGE), type: 'text/javascript' },
  '/reading.mjs': { file: new URL('reading.mjs', PAGE), type: 'text/javascript' },
  '/uplot.mjs': { file: packageFile('uplot/dist/uPlot.esm.js'), type: 'text/javascript' },
  '/uplot.css': { file: packageFile('uplot/dist/uPlot.min.css'), type: 'text/css' },
};

/** What the page may ask of Prometheus; the rest of its API stays where it is. */
const ASKED = /^\/api\/v1\/(?:query_range|label\/instance\/values)$/;
const ASK_TIMEOUT_MS = 30_000;

/** Nothing from another host, and no script within the page. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Serves the page on 127.0.0.1. */
export async function startPanels(options: PanelsOptions): Promise<Panels> {
  const { prometheusUrl, scrapeSeconds = 15 } = options;
  const settings = JSON.stringify({
    scrapeSeconds,
    dashboards: DASHBOARDS.map(({ name, title }) => ({ name, title })),
  });
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://page');
    if (request.method !== 'GET') return send(response, 405, 'text/plain', 'GET only');
    if (pathname === '/settings.json') return send(response, 200, 'application/json', settings);
    if (ASKED.test(pathname)) return void askPrometheus(`${prometheusUrl}${pathname}${search}`, response);
    const found = fileAt(pathname);
    if (found) send(response, 200, found.type, readFileSync(found.file));
    else send(response, 404, 'text/plain', 'there is no such page');
  });
  const [free = 0] = await findFree(1);
  const port = options.port ?? free;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return {
    name: 'dashboards',
    url: `http://${HOST}:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The file of a path: of the page, a dashboard, or a runbook. */
function fileAt(pathname: string): { readonly file: URL; readonly type: string } | undefined {
  const [, dashboard] = /^\/dashboards\/([\w-]+)\.json$/.exec(pathname) ?? [];
  if (DASHBOARDS.some(({ name }) => name === dashboard)) {
    return { file: new URL(`${dashboard}.json`, DASHBOARDS_FOLDER), type: 'application/json' };
  }
  const [, runbook] = /^\/runbooks\/([\w-]+\.md)$/.exec(pathname) ?? [];
  const page = runbook && new URL(runbook, RUNBOOKS);
  if (page && existsSync(page)) return { file: page, type: 'text/plain' };
  return Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined;
}

async function askPrometheus(url: string, response: ServerResponse): Promise<void> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    send(response, answer.status, 'application/json', await answer.text());
  } catch {
    send(response, 502, 'application/json', JSON.stringify({ error: 'Prometheus does not answer' }));
  }
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8` }).end(body);
}
