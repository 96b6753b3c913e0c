// A command that stands in for those of backups and drills: it prints what the test tells it to, and waits until it may.
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What it does next. */
export interface StandInAnswer {
  /** What it prints, as JSON. */
  readonly print: unknown;
  readonly exitCode?: number;
}

/** The command, and what it does. */
export interface StandIn extends Disposable {
  /** What BACKUP_COMMAND or DRILL_COMMAND is set to. */
  readonly command: string;
  /** Answers every call from now on; calls that wait get it too. */
  answer(answer: StandInAnswer): void;
  /** Lets calls wait for the next `answer`. */
  hold(): void;
  /** What `--list` prints. */
  list(printed: object): void;
  /** The arguments of each call so far, without those of `--list`. */
  calls(): string[];
  /** The process ids of those calls. */
  pids(): number[];
}

/** What it runs: `--list` prints the list at once, everything else waits for an answer. */
const SCRIPT = `#!/bin/sh
cd "$(dirname "$0")" || exit 9
case "$*" in *--list*) cat list.json; exit 0 ;; esac
echo "$$ $*" >>calls
while [ ! -e answer.json ]; do sleep 0.05; done
cat answer.json
exit "$(cat code)"
`;

/** Makes one, in a folder of its own. */
export function makeStandIn(): StandIn {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-stand-in-'));
  const path = (name: string) => join(folder, name);
  writeFileSync(path('command.sh'), SCRIPT);
  writeFileSync(path('list.json'), '[]');
  const lines = () =>
    existsSync(path('calls')) ? readFileSync(path('calls'), 'utf8').trimEnd().split('\n') : [];
  return {
    command: `/bin/sh ${path('command.sh')}`,
    answer({ print, exitCode = 0 }) {
      writeFileSync(path('code'), String(exitCode));
      // In one step: a call that waits for it could read it empty.
      writeFileSync(path('next.json'), JSON.stringify(print));
      renameSync(path('next.json'), path('answer.json'));
    },
    hold: () => rmSync(path('answer.json'), { force: true }),
    list: (printed) => writeFileSync(path('list.json'), JSON.stringify(printed)),
    calls: () => lines().map((line) => line.replace(/^\d+ ?/, '')),
    pids: () => lines().map((line) => Number.parseInt(line, 10)),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
