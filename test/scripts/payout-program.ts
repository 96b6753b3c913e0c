// Runs `npm run payout` as the program that it is, against a running ppuri.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';

/** A run that ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run that goes on. */
export interface Run {
  readonly process: ChildProcess;
  /** Resolves once stderr has said this. */
  readonly said: (words: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

/** The program with a folder of its own, which also holds its files. */
export interface Program {
  /** Writes a file and returns its name. */
  file(name: string, content: string | Buffer): string;
  begin(args: readonly string[], input?: string): Run;
  run(args: readonly string[], input?: string): Promise<Ended>;
  /** Runs at a terminal, and types this. What it writes, stderr too, is in stdout. */
  runInTerminal(args: readonly string[], typed: string): Promise<Ended>;
  close(): void;
}

/** Gives a program a terminal: what it reads there comes from our standard input. */
const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
const ROOT = resolve(import.meta.dirname, '../..');

/** Points the program to a server, as a running `npm start` does. */
export function openProgram(grpcAddress: string, key: SigningKey): Program {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-payout-'));
  if (key.kind !== 'hmac-sha256') throw new Error('dev.json holds keys with a secret');
  const secret = Buffer.from(key.secret).toString('utf8');
  writeFileSync(
    join(folder, 'dev.json'),
    JSON.stringify({ grpcAddress, keys: [{ keyId: key.keyId, secret }] }),
  );
  const program = [process.execPath, join(ROOT, 'scripts/payout.ts')];
  const begin = (args: readonly string[], input = '', [command = '', ...first] = program): Run => {
    const child = spawn(command, [...first, ...args], {
      cwd: folder,
      env: { ...process.env, DATA_DIR: folder },
    });
    let [stdout, stderr] = ['', ''];
    const waiting = new Set<() => void>();
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      for (const look of waiting) look();
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const said = (words: string) =>
      new Promise<void>((done, fail) => {
        const look = () => {
          if (stderr.includes(words)) done();
        };
        waiting.add(look);
        look();
        child.once('close', () => fail(new Error(`it ended before it said "${words}":\n${stderr}`)));
      });
    const ended = new Promise<Ended>((done) => {
      child.once('close', (code) => done({ code, stdout, stderr }));
    });
    return { process: child, said, ended };
  };
  return {
    file: (name, content) => {
      writeFileSync(join(folder, name), content);
      return name;
    },
    begin,
    run: (args, input) => begin(args, input).ended,
    runInTerminal: (args, typed) => begin(args, typed, ['python3', '-c', TERMINAL, ...program]).ended,
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
