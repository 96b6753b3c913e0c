// Runs a program of scripts/ such as `npm run payout` against a running ppuri.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';

/** The result of a run. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run under way. */
export interface Run {
  readonly process: ChildProcess;
  /** Resolves when stderr contains this text. */
  readonly printed: (text: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

/** The program with its own folder, which also has its files. */
export interface Program {
  /** Writes a file and returns its name. */
  file(name: string, content: string | Buffer): string;
  /** The content of a file. */
  read(name: string): string;
  /** The names of its files. */
  list(): string[];
  start(args: readonly string[], input?: string): Run;
  /** Kills what does not end by itself: a payout that should not have started waits for a worker. */
  run(args: readonly string[], input?: string): Promise<Ended>;
  /** Runs on a terminal and types this; stdout also has stderr. */
  runInTerminal(args: readonly string[], typed: string): Promise<Ended>;
  close(): void;
}

/** Gives a program a terminal, whose input is this program's stdin. */
const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
const ROOT = resolve(import.meta.dirname, '../..');

/** Longer than any run that ends by itself, in milliseconds. */
const RUN_MS = 120_000;

/** Points the program to a server, like a running `npm start`. */
export function createProgram(grpcAddress: string, key: SigningKey, script = 'payout.ts'): Program {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-payout-'));
  if (key.kind !== 'hmac-sha256') throw new Error('dev.json holds keys with a secret');
  const secret = Buffer.from(key.secret).toString('utf8');
  writeFileSync(
    join(folder, 'dev.json'),
    JSON.stringify({ grpcAddress, keys: [{ keyId: key.keyId, secret }] }),
  );
  const program = [process.execPath, join(ROOT, 'scripts', script)];
  const start = (args: readonly string[], input = '', [command = '', ...first] = program): Run => {
    const child = spawn(command, [...first, ...args], {
      cwd: folder,
      env: { ...process.env, DATA_DIR: folder },
    });
    let [stdout, stderr] = ['', ''];
    const waiting = new Set<() => void>();
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      for (const check of waiting) check();
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const printed = (text: string) =>
      new Promise<void>((done, fail) => {
        const check = () => {
          if (stderr.includes(text)) done();
        };
        waiting.add(check);
        check();
        child.once('close', () => fail(new Error(`it ended before it printed "${text}":\n${stderr}`)));
      });
    const ended = new Promise<Ended>((done) => {
      child.once('close', (code) => done({ code, stdout, stderr }));
    });
    return { process: child, printed, ended };
  };
  const endOf = ({ process: child, ended }: Run): Promise<Ended> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
    return ended.finally(() => clearTimeout(timer));
  };
  return {
    file: (name, content) => {
      writeFileSync(join(folder, name), content);
      return name;
    },
    read: (name) => readFileSync(join(folder, name), 'utf8'),
    list: () => readdirSync(folder),
    start,
    run: (args, input) => endOf(start(args, input)),
    runInTerminal: (args, typed) => endOf(start(args, typed, ['python3', '-c', TERMINAL, ...program])),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
