// A receiver of OTLP over HTTP (opentelemetry-proto, trace/v1): what the exporter really sends, read without its help.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ExportedSpan, readSpans } from '../../scripts/ops/parts/trace-store/otlp-spans.ts';

export type { ExportedSpan } from '../../scripts/ops/parts/trace-store/otlp-spans.ts';

/** A collector. */
export interface OtlpSink extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly port: number;
  /** All spans so far. */
  readonly spans: readonly ExportedSpan[];
  /** All bodies so far, to be searched for what must not be in them. */
  readonly bodies: readonly Buffer[];
  /** Waits for a span. */
  find(isWanted: (span: ExportedSpan) => boolean, withinMs?: number): Promise<ExportedSpan>;
}

/** How a sink answers; it takes everything when left out. */
export type Respond = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts a sink. */
export async function startOtlpSink(
  respond: Respond = (_request, response) => response.writeHead(200).end(),
): Promise<OtlpSink> {
  const spans: ExportedSpan[] = [];
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    bodies.push(body);
    if (request.url === '/v1/traces') spans.push(...readSpans(body));
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    spans,
    bodies,
    find: async (isWanted, withinMs = 30_000) => {
      for (const end = Date.now() + withinMs; ; ) {
        const found = spans.find(isWanted);
        if (found) return found;
        if (Date.now() > end)
          throw new Error(`no such span among ${spans.map(({ name }) => name).join(', ') || 'none'}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
