// The answers of a call that failed: one shape for all, google.rpc.Status as Envoy prints it.
import { REASONS, type ReasonEntry } from '../../../src/domain/reasons.ts';
import { EDGE_STATUS } from '../../dev/errors-page.ts';
import { detailType } from './error-schemas.ts';
import type { JsonObject } from './json.ts';

interface HttpAnswer {
  readonly name: string;
  readonly description: string;
  /** Whether it can say after how long to try again. */
  readonly saysWhen?: true;
}

/** What every operation can answer with, by HTTP status. */
const ANSWERS: Readonly<Record<string, HttpAnswer>> = {
  400: {
    name: 'BadRequest',
    description: 'The request is wrong (ERR001), or the state refuses it (ERR006).',
  },
  401: { name: 'Unauthenticated', description: 'Who calls is not known (ERR002).' },
  403: { name: 'Forbidden', description: 'The caller may not do this (ERR004).' },
  404: { name: 'NotFound', description: 'It does not exist, or not for this caller (ERR005).' },
  409: {
    name: 'Conflict',
    description:
      'It exists or happened already (ERR006), or the call met another one and can be tried again (ERR007).',
  },
  413: { name: 'RequestTooLarge', description: 'The body is larger than 1 MiB (ERR001).' },
  415: { name: 'UnsupportedContentType', description: 'gRPC is served on another port (ERR001).' },
  429: { name: 'TooManyRequests', description: 'Too much at once (ERR008).', saysWhen: true },
  431: {
    name: 'HeadersTooLarge',
    description: 'The headers, path and query are larger than 16 KiB (ERR001).',
  },
  499: { name: 'Cancelled', description: 'The caller gave the call up (ERR010).' },
  500: { name: 'InternalError', description: 'A fault on our side (ERR003).' },
  503: { name: 'Unavailable', description: 'No answer just now; try again (ERR009).', saysWhen: true },
  504: {
    name: 'DeadlineExceeded',
    description: 'It took too long (ERR010). It may have happened: try again with the same idempotency-key.',
  },
};

const DEFAULT: HttpAnswer = { name: 'Error', description: 'Any other failure, in the same shape.' };

/** google.rpc.Code and the HTTP status that Envoy makes of it. */
const CODES = {
  CANCELLED: { code: 1, http: 499 },
  UNKNOWN: { code: 2, http: 500 },
  INVALID_ARGUMENT: { code: 3, http: 400 },
  DEADLINE_EXCEEDED: { code: 4, http: 504 },
  NOT_FOUND: { code: 5, http: 404 },
  ALREADY_EXISTS: { code: 6, http: 409 },
  PERMISSION_DENIED: { code: 7, http: 403 },
  RESOURCE_EXHAUSTED: { code: 8, http: 429 },
  FAILED_PRECONDITION: { code: 9, http: 400 },
  ABORTED: { code: 10, http: 409 },
  OUT_OF_RANGE: { code: 11, http: 400 },
  UNIMPLEMENTED: { code: 12, http: 501 },
  INTERNAL: { code: 13, http: 500 },
  UNAVAILABLE: { code: 14, http: 503 },
  DATA_LOSS: { code: 15, http: 500 },
  UNAUTHENTICATED: { code: 16, http: 401 },
} as const;

/** The failures that every operation lists. */
export function errorResponses(): JsonObject {
  const explicit = Object.entries(ANSWERS).map(([http, { name }]) => [http, referResponse(name)]);
  return { ...Object.fromEntries(explicit), default: referResponse(DEFAULT.name) };
}

/** The answers that operations refer to, with an example for each reason of the table of errors. */
export function errorComponents(): JsonObject {
  const responses = [...Object.entries(ANSWERS), ['default', DEFAULT] as const].map(([http, answer]) => [
    answer.name,
    {
      description: answer.description,
      headers: answer.saysWhen && { 'Retry-After': { $ref: '#/components/headers/Retry-After' } },
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/google.rpc.Status' },
          examples: examplesFor(http),
        },
      },
    },
  ]);
  return {
    responses: Object.fromEntries(responses),
    headers: {
      'Retry-After': {
        description: 'After how many seconds it is worth trying again.',
        schema: { type: 'integer', minimum: 0 },
      },
    },
    examples: Object.fromEntries(
      Object.entries(REASONS).map(([reason, entry]) => [reason, exampleOf(reason, entry)]),
    ),
  };
}

function referResponse(name: string): JsonObject {
  return { $ref: `#/components/responses/${name}` };
}

function examplesFor(http: string): JsonObject | undefined {
  const edge: Readonly<Record<string, number>> = EDGE_STATUS;
  const reasons = Object.entries(REASONS).filter(([reason, { status }]) => {
    const own = String(edge[reason] ?? CODES[status].http);
    return own === http || (http === 'default' && !(own in ANSWERS));
  });
  if (reasons.length === 0) return undefined;
  return Object.fromEntries(reasons.map(([reason]) => [reason, { $ref: `#/components/examples/${reason}` }]));
}

function exampleOf(reason: string, { code, status, en, ko }: ReasonEntry): JsonObject {
  return {
    summary: `${code}: ${en}`,
    value: {
      code: CODES[status].code,
      message: en,
      details: [
        { '@type': detailType('ErrorInfo'), reason, domain: 'ppuri', metadata: { code } },
        { '@type': detailType('LocalizedMessage'), locale: 'ko', message: ko },
      ],
    },
  };
}
