// Answers the requests of the operator's page: who asks, whether they may, what is shown or done, and what the audit trail has.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditTrail } from '../domain/act.ts';
import { REASONS, type StatusName } from '../domain/reasons.ts';
import { Refusal } from '../domain/refusal.ts';
import type { KeyRing, NetworkCheck } from '../keys/index.ts';
import { type ActLine, type AdminCore, auditedRead, type Core, isAudited } from '../usecases/index.ts';
import { ACT_VIEWS, actAt, doAct } from './act-pages.ts';
import { type Html, html } from './html.ts';
import {
  addressOf,
  isFromOurPage,
  readCookie,
  readForm,
  redirect,
  send,
  setCookie,
  setHeaders,
} from './http.ts';
import { type Frame, layout } from './layout.ts';
import { AUDIT } from './pages/audit.ts';
import { DEAD_LETTERS } from './pages/dead-letters.ts';
import { HOLD } from './pages/holds.ts';
import { KEY, KEYS } from './pages/keys.ts';
import { PAYOUT, TRANSFER, USER, WALLET } from './pages/money.ts';
import { RECOVERY } from './pages/recovery.ts';
import { ANSWER, SEARCH } from './pages/search.ts';
import { STATE } from './pages/state.ts';
import { WEBHOOK, WEBHOOKS } from './pages/webhooks.ts';
import { formTokenOf, isSameText, type Sessions } from './sessions.ts';
import { createSignIn, type SignIn, signInPage } from './sign-in.ts';
import { STYLE } from './style.ts';
import {
  may,
  type Operator,
  type ProcessState,
  type View,
  type ViewContext,
  type ViewEntry,
} from './view.ts';

/** What the page depends on. */
export interface OperatorPageOptions {
  readonly core: Core;
  readonly admin: AdminCore;
  readonly state: ProcessState;
  readonly sessions: Sessions;
  readonly ring: Pick<KeyRing, 'find' | 'used'>;
  readonly allowsGlobally: NetworkCheck;
  readonly trail: AuditTrail;
  /** The refusal that an error of a driver means; undefined for all others. */
  readonly explain: (error: unknown) => Refusal | undefined;
  /** Called for errors that are shown as an internal error. */
  readonly report: (error: unknown, path: string) => void;
}

/** Where it is served. */
export const OPERATOR_PATH = '/operator';
const VIEWS: readonly ViewEntry[] = [
  ...[
    STATE,
    SEARCH,
    TRANSFER,
    WALLET,
    HOLD,
    USER,
    PAYOUT,
    ANSWER,
    DEAD_LETTERS,
    RECOVERY,
    KEYS,
    KEY,
    WEBHOOKS,
    WEBHOOK,
    AUDIT,
  ],
  ...ACT_VIEWS,
];

/** One request. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Behind OPERATOR_PATH. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly address: string;
}

/** Who sent a request, and the token of the session. */
interface SignedIn {
  readonly operator: Operator;
  readonly token: string;
}

type Respond = (exchange: Exchange) => Promise<void>;

/** Serves the page under OPERATOR_PATH. Returns whether a request was for it. */
export function createOperatorPage(options: OperatorPageOptions) {
  const signIn = createSignIn(options);
  const respond = responder(options, signIn);
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const [path = '', query = ''] = splitOnce(request.url ?? '', '?');
    if (path !== OPERATOR_PATH && !path.startsWith(`${OPERATOR_PATH}/`)) return false;
    const address = addressOf(request);
    const behind = path.slice(OPERATOR_PATH.length).replace(/^\/$/, '');
    const exchange = { request, response, path: behind, address, query: new URLSearchParams(query) };
    setHeaders(response);
    respond(exchange).catch((error: unknown) => {
      // The connection is gone, or answering failed half way: there is nobody to tell.
      if (!response.headersSent) sendError(options, exchange, error, undefined);
      else response.destroy();
    });
    return true;
  };
}

function responder(options: OperatorPageOptions, signIn: SignIn): Respond {
  return async (exchange) => {
    const { request, response, path } = exchange;
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
      response.setHeader('allow', 'GET, HEAD, POST');
      return sendPage(exchange, 405, 'Not here', html`<p>Pages are read and forms are sent.</p>`);
    }
    if (path === '/style.css') return send(response, 200, STYLE, 'text/css');
    if (method === 'POST' && !isFromOurPage(request)) {
      const words = html`<p>This form did not come from a page of ours, or the browser does not say where it came from.</p>`;
      return sendPage(exchange, 403, 'Refused', words);
    }
    if (path === '/sign-in') return signInAt(options, signIn, exchange);
    const token = readCookie(request);
    const operator = await operatorIn(options, signIn, exchange, token);
    if (!operator) {
      if (token !== '') setCookie(request, response, '');
      return redirect(response, `${OPERATOR_PATH}/sign-in${token === '' ? '' : '?ended'}`);
    }
    const signedIn = { operator, token };
    try {
      await (method === 'POST' ? postAt(options, exchange, signedIn) : viewAt(options, exchange, signedIn));
    } catch (error) {
      sendError(options, exchange, error, frameOf(exchange, signedIn));
    }
  };
}

/** Who is signed in. The session of a key that has ended is ended, too. */
async function operatorIn(
  { sessions }: OperatorPageOptions,
  signIn: SignIn,
  { address }: Exchange,
  token: string,
): Promise<Operator | undefined> {
  const session = token === '' ? undefined : await sessions.find(token);
  const operator = session && signIn.operatorOf(session.keyId, address);
  if (session && !operator) await sessions.end(token);
  return operator;
}

async function signInAt(options: OperatorPageOptions, signIn: SignIn, exchange: Exchange): Promise<void> {
  const { request, response, address, query } = exchange;
  if (request.method !== 'POST') {
    const ended = query.has('ended') ? 'You were signed out: the session or its key has ended.' : undefined;
    return sendPage(exchange, 200, 'Sign in', signInPage(ended));
  }
  const form = await formIn(exchange);
  if (!form) return;
  const result = signIn.check((form.get('key_id') ?? '').trim(), (form.get('secret') ?? '').trim(), address);
  if ('waitMs' in result) {
    const wait = Math.ceil(result.waitMs / 1000);
    response.setHeader('retry-after', String(wait));
    return sendPage(exchange, 429, 'Sign in', signInPage(`Too many wrong attempts. Wait ${wait} seconds.`));
  }
  if ('refused' in result) return sendPage(exchange, 403, 'Sign in', signInPage(result.refused));
  const { operator } = result;
  const line = lineOf(exchange, operator, 'sign-in');
  const token = await auditedRead(options.trail, line, () => options.sessions.create(operator.key.id));
  // The session that the browser had is over; its token never becomes that of another one.
  await options.sessions.end(readCookie(request));
  setCookie(request, response, token);
  redirect(response, OPERATOR_PATH);
}

const FORM_FAULTS = {
  400: 'This form broke off.',
  413: 'This form is too large.',
  415: 'This is no form.',
} as const;

/** The form of a request; undefined where it is refused, and has been answered. */
async function formIn(exchange: Exchange): Promise<URLSearchParams | undefined> {
  const form = await readForm(exchange.request);
  if (typeof form !== 'number') return form;
  // What is left of the body is not read.
  exchange.response.setHeader('connection', 'close');
  sendPage(exchange, form, 'Refused', html`<p>${FORM_FAULTS[form]}</p>`);
  return undefined;
}

async function postAt(options: OperatorPageOptions, exchange: Exchange, signedIn: SignedIn): Promise<void> {
  const { request, response, path } = exchange;
  const { operator, token } = signedIn;
  const frame = frameOf(exchange, signedIn);
  const form = await formIn(exchange);
  if (!form) return;
  if (!isSameText(form.get('form_token') ?? '', formTokenOf(token))) {
    const words = html`<p>This form belongs to another session. Go back and open its page again.</p>`;
    return sendPage(exchange, 403, 'Refused', words, frame);
  }
  if (path === '/sign-out') {
    await options.sessions.end(token);
    setCookie(request, response, '');
    return redirect(response, `${OPERATOR_PATH}/sign-in`);
  }
  const act = actAt(path);
  if (!act) return sendPage(exchange, 404, 'There is no such page', html``, frame);
  if (!operator.isAdmin) return deny(options, exchange, signedIn, act.name);
  const line = lineOf(exchange, operator, act.name);
  const view = await doAct(act, form, contextOf(options, exchange, signedIn, ''), {
    trail: options.trail,
    line,
  });
  sendView(exchange, view, frame);
}

async function viewAt(options: OperatorPageOptions, exchange: Exchange, signedIn: SignedIn): Promise<void> {
  const frame = frameOf(exchange, signedIn);
  const { operator } = signedIn;
  for (const view of VIEWS) {
    const match = view.path.exec(exchange.path);
    if (!match) continue;
    if (!may(operator, view.requires)) return deny(options, exchange, signedIn, view.name);
    const [, id = ''] = match;
    const target = view.target?.(exchange.query) ?? id;
    const line = { ...lineOf(exchange, operator, view.name), target };
    const context = contextOf(options, exchange, signedIn, id);
    return sendView(exchange, await auditedRead(options.trail, line, () => view.make(context)), frame);
  }
  sendPage(exchange, 404, 'There is no such page', html``, frame);
}

function deny({ trail }: OperatorPageOptions, exchange: Exchange, signedIn: SignedIn, name: string): void {
  trail.sample({ ...lineOf(exchange, signedIn.operator, name), outcome: 'denied', reason: 'MISSING_SCOPE' });
  const words = html`<p>${texts('MISSING_SCOPE')}</p>`;
  sendPage(exchange, 403, 'Your key has not the scope for this', words, frameOf(exchange, signedIn));
}

function contextOf(
  { core, admin, state }: OperatorPageOptions,
  { query }: Exchange,
  { operator, token }: SignedIn,
  id: string,
): ViewContext {
  return { core, admin, state, operator, id, query, formToken: formTokenOf(token) };
}

function frameOf({ query, path }: Exchange, { operator, token }: SignedIn): Frame {
  const searched = path === '/search' ? (query.get('q') ?? '').slice(0, 200) : '';
  return { operator, formToken: formTokenOf(token), searched };
}

function lineOf({ address }: Exchange, { key }: Operator, name: string): ActLine {
  const actId = randomUUID();
  return {
    actId,
    keyId: key.id,
    actor: 'operator-page',
    clientAddress: address,
    rpc: `operator-page/${name}`,
    target: '',
    reason: '',
    requestId: actId,
    count: 1,
  };
}

function sendView(exchange: Exchange, view: View, frame: Frame): void {
  if ('redirect' in view) redirect(exchange.response, view.redirect);
  else sendPage(exchange, view.status ?? 200, view.title, view.body, frame);
}

function sendPage({ response }: Exchange, status: number, title: string, body: Html, frame?: Frame): void {
  send(response, status, layout(title, body, frame));
}

/** Says what a refusal means in both languages; of any other error only that there was one, and reports it. */
function sendError(
  { explain, report }: OperatorPageOptions,
  exchange: Exchange,
  error: unknown,
  frame: Frame | undefined,
): void {
  const refusal = error instanceof Refusal ? error : explain(error);
  if (!refusal) report(error, exchange.path.split('/')[1] ?? '');
  const { reason, violations = [] } = refusal ?? { reason: 'INTERNAL' as const };
  const body = html`<div class="notice bad" role="alert"><p>${texts(reason)}</p>
${violations.map(({ field, description }) => html`<p><code>${field}</code> ${description.en}</p><p lang="ko"><code>${field}</code> ${description.ko}</p>`)}
<p class="hint">${reason}${isAudited(error) ? ', on the audit trail' : ''}</p></div>`;
  const status = STATUSES[REASONS[reason].status] ?? 500;
  sendPage(exchange, status, TITLES[status] ?? 'Refused', body, frame);
}

function texts(reason: keyof typeof REASONS): Html {
  return html`${REASONS[reason].en}<br><span lang="ko">${REASONS[reason].ko}</span>`;
}

const STATUSES: Partial<Record<StatusName, number>> = {
  INVALID_ARGUMENT: 400,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  404: 'Not found',
  500: 'An internal error',
  503: 'Not possible right now',
};

function splitOnce(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)];
}
