// The OpenAPI 3.1 document of one package.
import type { DescFile, DescMethod } from '@bufbuild/protobuf';
import { type ContractOptions, commentOf, routesOf, sentences } from './contracts.ts';
import { errorComponents, errorSchemas } from './errors.ts';
import type { JsonObject } from './json.ts';
import { CONTENT_DIGEST, headerParameters, operationOf } from './operations.ts';
import { requiredFields } from './rules.ts';
import { createCatalog } from './schemas.ts';

/** The document of a package; undefined when none of its RPCs has a REST route. */
export function documentOf(
  name: string,
  files: readonly DescFile[],
  options: ContractOptions,
): JsonObject | undefined {
  const services = files
    .flatMap((file) => file.services)
    .filter(({ methods }) => methods.some((method) => options.httpRule(method)));
  if (services.length === 0) return undefined;
  const catalog = createCatalog(requiredFields(options.registry));
  const paths = new Map<string, Map<string, JsonObject>>();
  const usedHeaders = new Set<string>();
  for (const method of services.flatMap(({ methods }) => methods)) {
    const rule = options.httpRule(method);
    const requirements = {
      headers: options.requiredHeaders(method),
      cost: options.costOf(method),
      scope: options.scopeOf(method),
      reasons: options.reasonsOf(method),
    };
    for (const [ordinal, route] of (rule ? routesOf(method, rule) : []).entries()) {
      for (const field of requirements.headers) usedHeaders.add(field);
      const verbs = verbsAt(paths, route.path, method);
      if (verbs.has(route.verb)) throw new Error(`two RPCs answer ${route.verb} ${route.path}`);
      verbs.set(route.verb, operationOf(method, route, ordinal, requirements, catalog));
    }
  }
  return {
    openapi: '3.1.0',
    info: infoOf(name),
    servers: [{ url: 'http://127.0.0.1:8080', description: 'A ppuri on this machine.' }],
    security: [{ 'signature-input': [], signature: [] }],
    tags: services.map((service) => ({ name: service.name, description: sentences(commentOf(service)) })),
    paths: Object.fromEntries([...paths].map(([path, verbs]) => [path, Object.fromEntries(verbs)])),
    components: {
      securitySchemes: securitySchemes(),
      parameters: { ...headerParameters(options.call, usedHeaders), [CONTENT_DIGEST]: contentDigest() },
      ...errorComponents(),
      schemas: { ...catalog.schemas(), ...errorSchemas() },
    },
  };
}

function infoOf(name: string): JsonObject {
  return {
    title: 'ppuri',
    summary: `${name} over REST.`,
    description:
      'Wallets, transfers and sprinkles. Printed from the contracts in proto/, which gRPC callers share. Property ' +
      'names are snake_case; integers of 64 bits are strings (in requests numbers are taken, too); every ' +
      'error has the shape of google.rpc.Status. Every call is signed with HTTP Message Signatures (RFC 9421); ' +
      'docs/signing.md says how.',
    version: name.split('.').at(-1),
    license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
  };
}

/** The operations of a path. To OpenAPI, paths that differ only in the names of their fields are the same path. */
function verbsAt(
  paths: Map<string, Map<string, JsonObject>>,
  path: string,
  method: DescMethod,
): Map<string, JsonObject> {
  const shape = (template: string) => template.replace(/\{[^}]*\}/g, '{}');
  const known = [...paths.keys()].find((other) => shape(other) === shape(path));
  if (known !== undefined && known !== path) {
    throw new Error(`${method.toString()}: ${path} and ${known} differ only in the names of their fields`);
  }
  const verbs = paths.get(path) ?? new Map<string, JsonObject>();
  paths.set(path, verbs);
  return verbs;
}

const SIGNING_PAGE = 'docs/signing.md has all of it, with examples in curl and Python.';

/** The two headers of a signature. OpenAPI has no scheme for signatures; an API key in a header is the nearest one. */
function securitySchemes(): JsonObject {
  return {
    'signature-input': headerScheme(
      'signature-input',
      'What the signature covers, and its created, nonce, keyid and alg (RFC 9421): ' +
        'sig1=("@method" "@path" "@query" "content-digest" "x-user-id" "idempotency-key");created=…;nonce="…";' +
        `keyid="…";alg="hmac-sha256". ${SIGNING_PAGE}`,
    ),
    signature: headerScheme(
      'signature',
      `The signature under the same label, made again for every attempt: sig1=:BASE64:. ${SIGNING_PAGE}`,
    ),
  };
}

function headerScheme(name: string, description: string): JsonObject {
  return { type: 'apiKey', in: 'header', name, description };
}

/** The header with the digest of the body, which the signature covers. */
function contentDigest(): JsonObject {
  return {
    name: CONTENT_DIGEST,
    in: 'header',
    description: `The SHA-256 of the body's bytes (RFC 9530); needed, and signed, whenever there is a body. ${SIGNING_PAGE}`,
    required: false,
    schema: { type: 'string', pattern: '^sha-256=:[A-Za-z0-9+/]{43}=:$' },
  };
}
