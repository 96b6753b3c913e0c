// How calls are signed, as far as OpenAPI has words for it: two headers that every call carries, and one with a body.
import type { JsonObject } from './json.ts';

const PAGE = 'docs/signing.md has all of it, with examples in curl and Python.';

/** What every operation demands: both headers of a signature. */
export const SECURITY: JsonObject[] = [{ 'signature-input': [], signature: [] }];

/** The headers of a signature. OpenAPI knows no signatures; a key in a header comes nearest. */
export function securitySchemes(): JsonObject {
  return {
    'signature-input': scheme(
      'signature-input',
      'What the signature covers, and its created, nonce, keyid and alg (RFC 9421): ' +
        'sig1=("@method" "@path" "@query" "content-digest" "x-user-id" "idempotency-key");created=…;nonce="…";' +
        `keyid="…";alg="hmac-sha256". ${PAGE}`,
    ),
    signature: scheme(
      'signature',
      `The signature under the same label, made anew for every attempt: sig1=:BASE64:. ${PAGE}`,
    ),
  };
}

function scheme(name: string, description: string): JsonObject {
  return { type: 'apiKey', in: 'header', name, description };
}

/** The name of the component that contentDigest() makes. */
export const CONTENT_DIGEST = 'content-digest';

/** The header that ties the body to the signature. */
export function contentDigest(): JsonObject {
  return {
    name: CONTENT_DIGEST,
    in: 'header',
    description: `The SHA-256 of the body's bytes (RFC 9530); needed, and signed, whenever there is a body. ${PAGE}`,
    required: false,
    schema: { type: 'string', pattern: '^sha-256=:[A-Za-z0-9+/]{43}=:$' },
  };
}
