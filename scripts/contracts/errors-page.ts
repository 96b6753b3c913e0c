// The page of all errors, printed from the table of reasons that the server uses.
import { adviceFor } from '../../src/domain/advice.ts';
import { IDEMPOTENCY_PROMISE } from '../../src/domain/promise.ts';
import type { StatusName } from '../../src/domain/reasons.ts';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';

/** The HTTP status that Envoy gives for each gRPC status. */
const HTTP_STATUS: Readonly<Record<StatusName, number>> = {
  CANCELLED: 499,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  UNAUTHENTICATED: 401,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

/** The HTTP status of answers that the edge gives by itself. */
const EDGE_STATUS: Readonly<Partial<Record<Reason, number>>> = {
  ROUTE_NOT_FOUND: 404,
  REQUEST_TOO_LARGE: 413,
  HEADERS_TOO_LARGE: 431,
  UNSUPPORTED_CONTENT_TYPE: 415,
};

const HEAD = `# Errors
Printed by \`npm run errors\` from \`src/domain/reasons.ts\`; a test holds it in step.

Every answer that is not OK, over gRPC and REST, from the server and from the edge, has one shape: google.rpc.Status with exactly one ErrorInfo (\`reason\`, domain \`ppuri\`, \`metadata.code\`), a BadRequest with a violation for each field or header that is wrong (its \`description\` in English, and a \`localized_message\` besides where Korean is asked for), RetryInfo where waiting helps, and a LocalizedMessage in English or Korean by accept-language. Switch on the code or the reason, not on the words: reasons are added, codes stay.

**Idempotency keys.** ${IDEMPOTENCY_PROMISE}

| code | reason | gRPC | HTTP | meaning | what to do |
|---|---|---|---|---|---|
`;

/** The HTTP status of a refusal with this reason. */
export function httpStatusOf(reason: Reason): number {
  return EDGE_STATUS[reason] ?? HTTP_STATUS[REASONS[reason].status];
}

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const reasons = (Object.keys(REASONS) as Reason[]).sort(
    (a, b) => REASONS[a].code.localeCompare(REASONS[b].code) || a.localeCompare(b),
  );
  return HEAD + reasons.map(row).join('');
}

function row(reason: Reason): string {
  const { code, status, en } = REASONS[reason];
  return `| ${code} | ${reason} | ${status} | ${httpStatusOf(reason)} | ${en} | ${adviceFor(reason)} |\n`;
}
