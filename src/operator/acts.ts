// What operators can do here: the same use cases as admin.v1, each with a reason and a page that asks once more.
import { createHash } from 'node:crypto';
import { JOB_NAMES } from '../domain/jobs.ts';
import { refuseField } from '../domain/refusal.ts';
import {
  type AdminCore,
  getApiKey,
  jobState,
  pauseJob,
  type ReadState,
  replayDeadLetters,
  resumeJob,
  resumeWebhook,
  revokeApiKey,
  startBackup,
  startDrill,
  webhookState,
} from '../usecases/index.ts';
import { link } from './format.ts';
import { type Html, html } from './html.ts';
import { UUID } from './view.ts';

/** A form that an operator sent. */
export interface ActRequest {
  /** Ids of what it is done to; none where that is the system itself. */
  readonly targets: readonly string[];
  /** Whether the box of the form is checked. */
  readonly isChecked: boolean;
  /** The key that signed in. */
  readonly keyId: string;
  /** The name of this one form: sent twice it is the same act. */
  readonly formId: string;
}

/** What came of it, in words for the operator. */
export interface ActResult {
  readonly words: Html;
  /** The id of what was made; empty where nothing was. */
  readonly createdId: string;
}

/** One kind of act. */
export interface ActEntry {
  /** As in the path, `acts/pause-job`. */
  readonly name: string;
  /** The RPC of admin.v1 that does the same; the audit trail has both under this name. */
  readonly rpc: string;
  readonly title: string;
  /** What happens, for the page that asks once more. */
  about(targets: readonly string[], operatorKeyId: string): Html;
  /** A box of the form, and what it means. */
  readonly box?: string;
  /** Where one goes back to. */
  readonly back: string;
  /** The form of a target, and how many there may be; undefined where there is none. */
  readonly target?: { readonly form: RegExp; readonly most: number };
  readonly readState?: (admin: AdminCore) => ReadState;
  execute(admin: AdminCore, request: ActRequest): Promise<ActResult>;
}

const JOB = { form: new RegExp(`^(?:${JOB_NAMES.join('|')})$`), most: 1 };
const MAX_LETTERS = 100;

const nothingMade = (words: Html): ActResult => ({ words, createdId: '' });
const code = (targets: readonly string[]) => targets.map((target) => html`<code>${target}</code> `);

/** Every act, by its name. */
export const ACTS: readonly ActEntry[] = [
  {
    name: 'pause-job',
    rpc: 'admin.v1.JobService/PauseJob',
    title: 'Pause a job',
    about: (targets) =>
      html`<p>No worker begins ${code(targets)}any more, within a second. Runs under way end. It stays paused until it is resumed.</p>`,
    back: '/operator',
    target: JOB,
    readState: (admin) => (job) => jobState(admin, job),
    async execute(admin, { targets: [job = ''] }) {
      await pauseJob(admin, job);
      return nothingMade(html`<code>${job}</code> is paused.`);
    },
  },
  {
    name: 'resume-job',
    rpc: 'admin.v1.JobService/ResumeJob',
    title: 'Resume a job',
    about: (targets) => html`<p>Workers begin ${code(targets)}again.</p>`,
    back: '/operator',
    target: JOB,
    readState: (admin) => (job) => jobState(admin, job),
    async execute(admin, { targets: [job = ''] }) {
      await resumeJob(admin, job);
      return nothingMade(html`<code>${job}</code> is not paused any more.`);
    },
  },
  {
    name: 'replay-dead-letters',
    rpc: 'admin.v1.JobService/ReplayDeadLetters',
    title: 'Replay dead letters',
    about: (targets) =>
      html`<p>Dead letters ${code(targets)}go to the queue once more. What their jobs do has its effect once, however often they run. Those that were replayed before are left out.</p>`,
    back: '/operator/dead-letters',
    target: { form: /^[1-9]\d{0,17}$/, most: MAX_LETTERS },
    async execute(admin, { targets }) {
      const replayed = await replayDeadLetters(admin, targets.map(BigInt));
      const rest = targets.length - replayed;
      return nothingMade(
        html`${replayed} of ${targets.length} went to the queue.${rest === 0 ? '' : ` ${rest} had been replayed before, or do not exist.`}`,
      );
    },
  },
  {
    name: 'revoke-key',
    rpc: 'admin.v1.ApiKeyService/RevokeApiKey',
    title: 'Revoke an API key',
    about: ([keyId = ''], operatorKeyId) =>
      html`<p>Calls with ${link('keys', keyId)} are refused from now on, on all servers. This cannot be taken back.</p>${keyId === operatorKeyId ? html`<p><strong>It is the key that you signed in with: you will be signed out.</strong></p>` : ''}`,
    back: '/operator/keys',
    target: { form: /^[\w-]{1,64}$/, most: 1 },
    readState: (admin) => (id) => getApiKey(admin.keyAdmin, id).catch(() => undefined),
    async execute(admin, { targets: [keyId = ''] }) {
      const key = await revokeApiKey(admin.keyAdmin, keyId);
      return nothingMade(html`The key ${key.displayName} (<code>${key.id}</code>) is revoked.`);
    },
  },
  {
    name: 'resume-webhook',
    rpc: 'admin.v1.WebhookService/ResumeWebhook',
    title: 'Resume a webhook',
    about: ([id = '']) =>
      html`<p>The webhook ${link('webhooks', id)} sends everything since it was paused, in order, and tries at once what failed. Its owner may have paused it for a reason: the page of the webhook says who did.</p>`,
    back: '/operator/webhooks',
    target: { form: new RegExp(`^${UUID}$`), most: 1 },
    readState: (admin) => (id) => webhookState(admin, id),
    async execute(admin, { targets: [id = ''] }) {
      await resumeWebhook(admin, id);
      return nothingMade(html`The webhook ${link('webhooks', id)} sends again.`);
    },
  },
  {
    name: 'start-backup',
    rpc: 'admin.v1.RecoveryService/StartBackup',
    title: 'Start a backup',
    about: () => html`<p>The worker that has <code>BACKUP_COMMAND</code> takes a backup now.</p>`,
    box: 'A full one, also where an incremental one would do',
    back: '/operator/recovery',
    async execute(admin, { keyId, formId, isChecked }) {
      const request = { requestedBy: keyId, isFull: isChecked, key: keyOf('StartBackup', formId, isChecked) };
      const { id, state } = await startBackup(admin, request);
      return { words: html`The backup <code>${id}</code> is ${state}.`, createdId: id };
    },
  },
  {
    name: 'start-drill',
    rpc: 'admin.v1.RecoveryService/StartDrill',
    title: 'Start a drill',
    about: () =>
      html`<p>The worker that has <code>DRILL_COMMAND</code> restores the backups into a throw-away folder, and checks what comes back.</p>`,
    back: '/operator/recovery',
    async execute(admin, { keyId, formId }) {
      const request = { requestedBy: keyId, key: keyOf('StartDrill', formId, false) };
      const { id, state } = await startDrill(admin, request);
      return { words: html`The drill <code>${id}</code> is ${state}.`, createdId: id };
    },
  },
];

/** The targets in a form or query. Refuses INVALID_FIELD for what cannot be one, and for too many or none. */
export function targetsIn({ target }: ActEntry, values: URLSearchParams): string[] {
  if (!target) return [];
  const targets = [...new Set(values.getAll('target'))];
  if (targets.length >= 1 && targets.length <= target.most && targets.every((text) => target.form.test(text)))
    return targets;
  throw refuseField('INVALID_FIELD', 'target', {
    en: target.most === 1 ? 'must be an id of what there is' : `must be 1 to ${target.most} ids`,
    ko: target.most === 1 ? '있는 대상의 ID여야 합니다' : `1~${target.most}개의 ID여야 합니다`,
  });
}

function keyOf(act: string, formId: string, isChecked: boolean) {
  const fingerprint = createHash('sha256').update(`operator-page\n${act}\n${isChecked}`).digest('hex');
  return { key: `operator-page:${formId}`, fingerprint };
}
