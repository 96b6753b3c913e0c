// The end of an attempt: its time is up, or its caller cancels.
import { setMaxListeners } from 'node:events';
import { status } from '@grpc/grpc-js';
import { PpuriError } from './error.ts';

/** The clock of one attempt. */
export interface AttemptTimer {
  /** Aborted with a PpuriError: DEADLINE_EXCEEDED, or CANCELLED when the caller's signal is. */
  readonly signal: AbortSignal;
  /** Counts again from the beginning. */
  restart(timeoutMs: number): void;
  /** Stops counting. */
  pause(): void;
  /** The attempt is over. */
  stop(): void;
}

/** What setTimeout can count, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Starts to count, for so many milliseconds; for a longer time than 24 days it does not. */
export function startTimer(timeoutMs: number, caller: AbortSignal | undefined): AttemptTimer {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => controller.abort(cancelledBy(caller));
  const pause = () => clearTimeout(timer);
  const restart = (ms: number) => {
    pause();
    if (ms > LONGEST_MS) return;
    const message = `no answer within ${Math.round(ms)} ms`;
    timer = setTimeout(
      () => controller.abort(new PpuriError({ status: status.DEADLINE_EXCEEDED, message })),
      ms,
    );
  };
  restart(timeoutMs);
  if (caller?.aborted) cancel();
  else if (caller) {
    // One signal may be for a thousand calls; above ten listeners Node warns of a leak.
    setMaxListeners(0, caller);
    caller.addEventListener('abort', cancel);
  }
  const stop = () => {
    pause();
    caller?.removeEventListener('abort', cancel);
  };
  return { signal: controller.signal, restart, pause, stop };
}

/** The error of a call that its caller cancelled. */
export function cancelledBy(caller: AbortSignal | undefined): PpuriError {
  return new PpuriError({
    status: status.CANCELLED,
    message: 'the caller cancelled the call',
    cause: caller?.reason,
  });
}
