// The schemas of google.rpc.Status and of the details that it carries, as Envoy prints them.
import type { JsonObject, JsonSchema } from './json.ts';

/** How JSON names a detail of google.rpc. */
export function detailType(name: string): string {
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

/** The schemas, under the full names of their messages. */
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

/** One kind of detail, with the properties that it always has. */
function detail(name: string, description: string, properties: JsonObject): JsonSchema {
  return {
    type: 'object',
    description,
    properties: { '@type': { type: 'string', const: detailType(name) }, ...properties },
    required: ['@type', ...Object.keys(properties)],
  };
}
