// JSON for the OpenAPI documents, in which integers above 2^53 keep all their digits.

/** A JSON value. A bigint is printed as a number, an undefined member is left out. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 uses it. */
export type JsonSchema = JsonObject;

// The type library es2025 does not declare JSON.rawJSON.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** The document as text, indented by two spaces, members in their order of insertion. */
export function printJson(document: JsonObject): string {
  return JSON.stringify(
    document,
    (_key, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value),
    2,
  );
}
