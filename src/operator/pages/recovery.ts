// Backups and drills.
import type { Backup, Drill } from '../../domain/recovery.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import { listBackups, listDrills, type RecoveryCore, walArchive } from '../../usecases/index.ts';
import { badge, facts, moment, next, pathWith, seconds, size, table } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ViewEntry } from '../view.ts';
import { placeOf, placeText } from './place.ts';

const PAGE_SIZE = 20;
const GOOD: ReadonlySet<string> = new Set(['complete', 'verified', 'succeeded']);
const OPEN: ReadonlySet<string> = new Set(['queued', 'running', 'removed']);

export const RECOVERY: ViewEntry = {
  name: 'recovery',
  path: /^\/recovery$/,
  requires: 'admin',
  async make({ admin, query }) {
    const [backups, drills, wal] = await Promise.all([
      listBackups(admin, placeOf(query, 'backups'), PAGE_SIZE),
      listDrills(admin, placeOf(query, 'drills'), PAGE_SIZE),
      walArchive(admin),
    ]);
    const pathAt = (list: 'backups' | 'drills', place: typeof backups.next) =>
      place && pathWith('recovery', { [list]: placeText(place) });
    const body = html`<p><a href="/operator/acts/start-backup">Start a backup</a> · <a href="/operator/acts/start-drill">Start a drill</a></p>
${facts([
  [
    'Newest archived WAL',
    html`${wal.lastWal === '' ? 'none' : html`<code>${wal.lastWal}</code>`} ${moment(wal.archivedAt, '')}`,
  ],
  ['Storage was last listed', moment(wal.listedAt, 'never')],
])}
<h2>Backups</h2>
${table('Backups', ['State', 'Backup', 'Kind', 'Asked for', 'Ended', 'Stored', 'Restorable until', 'Restored by a drill', 'Error'], backups.items.map(backupRow), 'There are no backups.')}
${next(pathAt('backups', backups.next))}
<h2>Drills</h2>
${table('Drills', ['State', 'Drill', 'Asked for', 'Ended', 'Time to recover', 'Data lost', 'Payments: lost, doubled', 'Error'], drills.items.map(drillRow), 'There are no drills.')}
${next(pathAt('drills', drills.next))}`;
    return { title: 'Backups and drills', body };
  },
};

/** The newest backup and drill, for the first page. */
export async function backupsSummary(admin: RecoveryCore, now: Micros): Promise<Html> {
  const [backups, drills, wal] = await Promise.all([
    listBackups(admin, undefined, PAGE_SIZE),
    listDrills(admin, undefined, 1),
    walArchive(admin),
  ]);
  const last = backups.items.find(({ state }) => GOOD.has(state));
  const [drill] = drills.items;
  const age = (at: Micros | undefined) =>
    at === undefined ? '' : ` ${seconds((now - at) / MICROS_PER_MS / 1000)} ago`;
  return html`${facts([
    [
      'Last backup',
      last
        ? html`${stateBadge(last.state)} ${moment(last.endedAt)}${age(last.endedAt)}`
        : badge(`none among the newest ${PAGE_SIZE}`, 'bad'),
    ],
    [
      'Last drill',
      drill
        ? html`${stateBadge(drill.state)} ${moment(drill.requestedAt)}${age(drill.requestedAt)}`
        : badge('none', 'bad'),
    ],
    ['Newest archived WAL', html`${moment(wal.archivedAt, 'none')}${age(wal.archivedAt)}`],
  ])}
<p><a href="/operator/recovery">All backups and drills</a></p>`;
}

function stateBadge(state: string): Html {
  return badge(state, GOOD.has(state) ? 'good' : OPEN.has(state) ? 'plain' : 'bad');
}

const asked = ({ requestedAt, requestedBy }: Backup | Drill) =>
  html`${moment(requestedAt)}<br><span class="hint">${requestedBy}</span>`;

function backupRow(backup: Backup) {
  return [
    stateBadge(backup.state),
    html`<code>${backup.label}</code><br><span class="hint">${backup.id}</span>`,
    backup.kind,
    asked(backup),
    moment(backup.endedAt),
    `${size(backup.storedBytes)}${backup.isEncrypted ? ', encrypted' : ''}`,
    moment(backup.restorableUntil),
    moment(backup.verifiedAt),
    backup.error,
  ];
}

function drillRow(drill: Drill) {
  const { figures } = drill;
  return [
    stateBadge(drill.state),
    html`${figures?.drill}<br><span class="hint">${drill.id}</span>`,
    asked(drill),
    moment(drill.endedAt),
    figures && seconds(figures.rtoSeconds),
    figures && seconds(figures.rpoSeconds),
    figures && `${figures.acknowledged}: ${figures.lost}, ${figures.doubled}`,
    drill.error,
  ];
}
