// How outcomes are kept under their idempotency keys: JSON, with big whole numbers as {"bigint": "…"}.

/** Writes an outcome. */
export function writeOutcome(outcome: unknown): string {
  return JSON.stringify(outcome, (_key, value: unknown) =>
    typeof value === 'bigint' ? { bigint: value.toString() } : value,
  );
}

/** Reads an outcome that writeOutcome wrote. */
export function readOutcome(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown) => (isWrapped(value) ? BigInt(value.bigint) : value));
}

function isWrapped(value: unknown): value is { bigint: string } {
  return typeof value === 'object' && value !== null && 'bigint' in value;
}
