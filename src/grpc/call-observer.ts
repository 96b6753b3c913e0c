// Observes every call from its headers to its status, and ends open streams when the server stops.
import { type ServerInterceptor, status as statuses } from '@grpc/grpc-js';
import type { Reason } from '../domain/reasons.ts';
import { Refusal } from '../domain/refusal.ts';
import { reasonOf, statusOf } from './error-status.ts';

/** Called for every call. */
export interface CallObserver {
  /** `path` is whatever the caller sent, and may be no RPC. */
  began(path: string): void;
  /** Called for each message of a stream, once it is handed to HTTP/2. */
  sent(path: string): void;
  /** Called once for every call that began. `code` is the name of a gRPC status; `reason` is undefined for OK. */
  ended(path: string, code: string, seconds: number, reason: Reason | undefined): void;
}

/** The calls of one server. */
export interface Calls {
  /** Has to be the first grpc-js interceptor, so that it sees each status as it is sent. */
  readonly interceptor: ServerInterceptor;
  /** Ends every stream with UNAVAILABLE, and later ones at once. Their clients retry on another server. */
  endStreams(): void;
}

/** The interceptor calls `observer` from now on. */
export function observeCalls({ began, sent, ended }: CallObserver): Calls {
  const openStreams = new Set<() => void>();
  let isEnding = false;
  const interceptor: ServerInterceptor = ({ path, responseStream }, call) => {
    const sendStatus = call.sendStatus.bind(call);
    const start = call.start.bind(call);
    const startedAt = performance.now();
    if (responseStream) countMessages(call, () => sent(path));
    let isOpen = false;
    const stop = () =>
      call.sendStatus(statusOf(new Refusal('UNAVAILABLE', { retryAfterMs: 1000 }), 'en', ''));
    const end = (code: statuses, reason: Reason | undefined) => {
      if (!isOpen) return;
      isOpen = false;
      openStreams.delete(stop);
      ended(path, statuses[code] ?? 'UNKNOWN', (performance.now() - startedAt) / 1000, reason);
    };
    call.sendStatus = (status) => {
      end(status.code, reasonOf(status));
      sendStatus(status);
    };
    call.start = (listener) => {
      const { onReceiveMetadata, onCancel } = listener;
      // Not earlier: a call that is cancelled before its headers are read gets no status, so it would never end.
      listener.onReceiveMetadata = (metadata) => {
        isOpen = true;
        began(path);
        if (responseStream) openStreams.add(stop);
        if (responseStream && isEnding) stop();
        else onReceiveMetadata.call(listener, metadata);
      };
      // grpc-js also calls this after a status has been sent; `end` ignores it then.
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

function countMessages(call: Parameters<ServerInterceptor>[1], sent: () => void): void {
  const sendMessage = call.sendMessage.bind(call);
  call.sendMessage = (message, callback) => {
    sent();
    sendMessage(message, callback);
  };
}
