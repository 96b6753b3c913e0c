// Takes OTLP over HTTP and gives it to Zipkin, which knows only its own JSON. Run as: otlp-to-zipkin.ts PORT ZIPKIN_URL
import { createServer } from 'node:http';
import { HOST } from '../../../dev/ports.ts';
import { type ExportedSpan, readSpans } from './otlp-spans.ts';

const KINDS: Partial<Record<ExportedSpan['kind'], string>> = {
  server: 'SERVER',
  client: 'CLIENT',
  producer: 'PRODUCER',
  consumer: 'CONSUMER',
};
const NANOS_PER_MICRO = 1000n;
const ERROR = 2;

/** As the API of Zipkin has it (zipkin2-api.yaml); links, which it does not know, become tags. */
function toZipkin(span: ExportedSpan): object {
  const links = span.links.map(({ traceId, spanId }) => `${traceId}-${spanId}`).join(' ');
  return {
    traceId: span.traceId,
    id: span.spanId,
    ...(span.parentSpanId !== '' && { parentId: span.parentSpanId }),
    name: span.name,
    ...(KINDS[span.kind] && { kind: KINDS[span.kind] }),
    timestamp: Number(span.start / NANOS_PER_MICRO),
    duration: Math.max(1, Number((span.end - span.start) / NANOS_PER_MICRO)),
    localEndpoint: { serviceName: span.service },
    annotations: span.events.map(({ name, at }) => ({
      timestamp: Number(at / NANOS_PER_MICRO),
      value: name,
    })),
    tags: {
      ...span.attributes,
      ...(span.status === ERROR && { error: span.attributes['error.type'] ?? 'true' }),
      ...(links !== '' && { links }),
    },
  };
}

/** Serves POST /v1/traces. */
function serve(port: number, zipkinUrl: string): void {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== 'POST' || request.url !== '/v1/traces') {
      response.writeHead(request.url === '/' ? 200 : 404).end();
      return;
    }
    try {
      const spans = readSpans(Buffer.concat(chunks)).map(toZipkin);
      const { status } = await fetch(`${zipkinUrl}/api/v2/spans`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(spans),
      });
      // An empty ExportTraceServiceResponse, or a status that the exporter tries again.
      response.writeHead(status < 300 ? 200 : 503).end();
    } catch {
      response.writeHead(503).end();
    }
  });
  server.listen(port, HOST);
}

const [port, zipkinUrl] = process.argv.slice(2);
serve(Number(port), zipkinUrl ?? '');
