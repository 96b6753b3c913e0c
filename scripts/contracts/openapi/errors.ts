// The answers of a call that failed: one shape for all, google.rpc.Status as Envoy prints it.
import { status } from '@grpc/grpc-js';
import { REASONS, type Reason } from '../../../src/domain/reasons.ts';
import { httpStatusOf } from '../errors-page.ts';
import type { JsonObject, JsonSchema } from './json.ts';

const REASON_NAMES = Object.keys(REASONS) as Reason[];

interface HttpAnswer {
  readonly name: string;
  readonly description: string;
  /** Whether the answer may have a Retry-After header. */
  readonly hasRetryAfter?: true;
}

/** The failures that every operation lists, by HTTP status. */
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
  429: { name: 'TooManyRequests', description: 'Too much at once (ERR008).', hasRetryAfter: true },
  431: {
    name: 'HeadersTooLarge',
    description: 'The headers, path and query are larger than 16 KiB (ERR001).',
  },
  499: { name: 'Cancelled', description: 'The caller gave the call up (ERR010).' },
  500: { name: 'InternalError', description: 'A fault on our side (ERR003).' },
  503: { name: 'Unavailable', description: 'No answer just now; try again (ERR009).', hasRetryAfter: true },
  504: {
    name: 'DeadlineExceeded',
    description: 'It took too long (ERR010). It may have happened: try again with the same idempotency-key.',
  },
};

const DEFAULT: HttpAnswer = { name: 'Error', description: 'Any other failure, in the same shape.' };

/** The responses of failures, as an operation refers to them. */
export function errorResponses(): JsonObject {
  const explicit = Object.entries(ANSWERS).map(([http, { name }]) => [http, referResponse(name)]);
  return { ...Object.fromEntries(explicit), default: referResponse(DEFAULT.name) };
}

/** The components that operations refer to, with an example for each reason in src/domain/reasons.ts. */
export function errorComponents(): JsonObject {
  const responses = [...Object.entries(ANSWERS), ['default', DEFAULT] as const].map(([http, answer]) => [
    answer.name,
    {
      description: answer.description,
      headers: answer.hasRetryAfter && { 'Retry-After': { $ref: '#/components/headers/Retry-After' } },
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
    examples: Object.fromEntries(REASON_NAMES.map((reason) => [reason, exampleOf(reason)])),
  };
}

function referResponse(name: string): JsonObject {
  return { $ref: `#/components/responses/${name}` };
}

function examplesFor(http: string): JsonObject | undefined {
  const reasons = REASON_NAMES.filter((reason) => {
    const own = String(httpStatusOf(reason));
    return own === http || (http === 'default' && !(own in ANSWERS));
  });
  if (reasons.length === 0) return undefined;
  return Object.fromEntries(reasons.map((reason) => [reason, { $ref: `#/components/examples/${reason}` }]));
}

function exampleOf(reason: Reason): JsonObject {
  const { code, status: name, en, ko } = REASONS[reason];
  return {
    summary: `${code}: ${en}`,
    value: {
      code: status[name],
      message: en,
      details: [
        { '@type': detailType('ErrorInfo'), reason, domain: 'ppuri', metadata: { code } },
        { '@type': detailType('LocalizedMessage'), locale: 'ko', message: ko },
      ],
    },
  };
}

/** The `@type` of a detail of google.rpc in JSON. */
function detailType(name: string): string {
  return `type.googleapis.com/google.rpc.${name}`;
}

const text = (description?: string): JsonSchema => ({ type: 'string', description });

const list = (item: JsonObject): JsonSchema => ({
  type: 'array',
  items: { type: 'object', properties: item, required: Object.keys(item) },
});

const errorInfo = detail('ErrorInfo', 'What went wrong, for programs. Every error has exactly one.', {
  reason: {
    type: 'string',
    pattern: '^[A-Z][A-Z0-9_]*$',
    description: 'What exactly it was, as BALANCE_TOO_LOW. More can come: fall back on the code.',
  },
  domain: { const: 'ppuri' },
  metadata: {
    type: 'object',
    properties: {
      code: {
        type: 'string',
        enum: Array.from({ length: 10 }, (_, index) => `ERR${String(index + 1).padStart(3, '0')}`),
        description:
          'ERR001 bad request, ERR002 authentication failed, ERR003 internal error, ERR004 not permitted, ERR005 not ' +
          'found, ERR006 the state refuses it, ERR007 conflict, try again, ERR008 too many requests, ERR009 ' +
          'unavailable, try again, ERR010 too late.',
      },
    },
    required: ['code'],
    additionalProperties: { type: 'string' },
  },
});

const localizedMessage = detail('LocalizedMessage', 'What went wrong, for people.', {
  locale: text('The language of the message, as accept-language asked: en or ko.'),
  message: text(),
});

const badRequest = detail('BadRequest', 'Which fields or headers are wrong, and how.', {
  field_violations: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        field: text(
          'The path of the field, as amount.currency_code or wallet_ids[3], or the name of the header.',
        ),
        description: text(),
        reason: text(),
        localized_message: {
          type: 'object',
          properties: { locale: text(), message: text() },
          required: ['locale', 'message'],
        },
      },
      required: ['field', 'description', 'reason'],
    },
  },
});

const retryInfo = detail('RetryInfo', 'When it is worth trying again.', {
  retry_delay: {
    type: 'string',
    pattern: '^[0-9]+(?:\\.[0-9]{1,9})?s$',
    description: 'How long to wait at least, in seconds, as 1.500s.',
  },
});

const quotaFailure = detail('QuotaFailure', 'Which limit was reached.', {
  violations: list({ subject: text(), description: text() }),
});

const requestInfo = detail('RequestInfo', 'Which call it was, to tell support.', {
  request_id: text(),
  serving_data: text(),
});

const details: Readonly<Record<string, JsonSchema>> = {
  ErrorInfo: errorInfo,
  LocalizedMessage: localizedMessage,
  BadRequest: badRequest,
  RetryInfo: retryInfo,
  QuotaFailure: quotaFailure,
  RequestInfo: requestInfo,
};

/** The schemas of google.rpc.Status and its details, by the full names of their messages. */
export function errorSchemas(): JsonObject {
  const named = Object.entries(details).map(([name, schema]) => [`google.rpc.${name}`, schema]);
  return { 'google.rpc.Status': statusSchema(), ...Object.fromEntries(named) };
}

function statusSchema(): JsonSchema {
  const refs = Object.keys(details).map((name) => [
    detailType(name),
    `#/components/schemas/google.rpc.${name}`,
  ]);
  return {
    type: 'object',
    description: 'Why a call failed.',
    properties: {
      code: {
        type: 'integer',
        format: 'int32',
        minimum: 1,
        maximum: 16,
        description: 'The gRPC status code.',
      },
      message: text('What went wrong, for developers, in English.'),
      details: {
        type: 'array',
        items: {
          oneOf: refs.map(([, $ref]) => ({ $ref })),
          discriminator: { propertyName: '@type', mapping: Object.fromEntries(refs) as JsonObject },
        },
        contains: { $ref: '#/components/schemas/google.rpc.ErrorInfo' },
        minContains: 1,
        maxContains: 1,
      },
    },
    required: ['code', 'message', 'details'],
  };
}

/** One type of detail; all of its properties are always present. */
function detail(name: string, description: string, properties: JsonObject): JsonSchema {
  return {
    type: 'object',
    description,
    properties: { '@type': { type: 'string', const: detailType(name) }, ...properties },
    required: ['@type', ...Object.keys(properties)],
  };
}
