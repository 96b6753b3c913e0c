// Watches every call from its arrival to its status, and ends the streams that would outlast the server.
import { type ServerInterceptor, status as statuses } from '@grpc/grpc-js';
import type { Reason } from '../domain/reasons.ts';
import { Refusal } from '../domain/refusal.ts';
import { reasonOf, statusOf } from './error-status.ts';

/** Told of every call. */
export interface CallObserver {
  /** `path` is as the caller wrote it: anything. */
  began(path: string): void;
  /** Told once for every call that began. `code` is a gRPC status by name, and `reason` says why it is not OK. */
  ended(path: string, code: string, seconds: number, reason: Reason | undefined): void;
}

/** The calls of one server. */
export interface Calls {
  /** Must be the first interceptor of all, so that it sees each status as it goes out. */
  readonly interceptor: ServerInterceptor;
  /** Ends every stream with UNAVAILABLE, those that come later at once: their clients go elsewhere. */
  endStreams(): void;
}

/** Starts to watch. */
export function observeCalls({ began, ended }: CallObserver): Calls {
  const openStreams = new Set<() => void>();
  let isEnding = false;
  const interceptor: ServerInterceptor = ({ path, responseStream }, call) => {
    const sendStatus = call.sendStatus.bind(call);
    const start = call.start.bind(call);
    const startedAt = performance.now();
    let isOpen = false;
    const stop = () =>
      call.sendStatus(statusOf(new Refusal('UNAVAILABLE', { retryAfterMs: 1000 }), 'en', ''));
    const end = (code: statuses, reason: Reason | undefined) => {
      if (!isOpen) return;
      isOpen = false;
      openStreams.delete(stop);
      ended(path, statuses[code] ?? 'UNKNOWN_RULE', (performance.now() - startedAt) / 1000, reason);
    };
    call.sendStatus = (status) => {
      end(status.code, reasonOf(status));
      sendStatus(status);
    };
    call.start = (listener) => {
      const { onReceiveMetadata, onCancel } = listener;
      // Not told of a call that was given up before anybody looked at it, and which nothing would end.
      listener.onReceiveMetadata = (metadata) => {
        isOpen = true;
        began(path);
        if (responseStream) openStreams.add(stop);
        if (responseStream && isEnding) stop();
        else onReceiveMetadata.call(listener, metadata);
      };
      // Also said after a status has gone out; it has ended then.
      listener.onCancel = () => {
        end(statuses.CANCELLED, 'CANCELLED');
        onCancel.call(listener);
      };
      start(listener);
    };
    return call as ReturnType<ServerInterceptor>;
  };
  return {
    interceptor,
    endStreams: () => {
      isEnding = true;
      for (const stop of [...openStreams]) stop();
    },
  };
}
