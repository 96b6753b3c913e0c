// JSON as the OpenAPI documents are built from, with whole numbers beyond 2^53 printed digit by digit.

/** A JSON value; bigint prints as a number, undefined members are left out. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 uses it. */
export type JsonSchema = JsonObject;

// The language has had JSON.rawJSON for longer than TypeScript's es2024 library knows.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** The document as text: two spaces, members in the order in which they were written. */
export function printJson(document: JsonObject): string {
  return JSON.stringify(
    document,
    (_key, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value),
    2,
  );
}
