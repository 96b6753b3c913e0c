// How outcomes are kept under their idempotency keys: JSON, with big whole numbers as {"bigint": "…"}.

/**
 * Writes an outcome: plain objects, arrays and values, as JSON.stringify does. By hand, because a function that JSON.stringify
 * asks about each value takes twice as long.
 */
export function writeOutcome(outcome: unknown): string {
  if (typeof outcome === 'bigint') return `{"bigint":"${outcome}"}`;
  if (Array.isArray(outcome)) return `[${outcome.map(writeOutcome).join(',')}]`;
  if (typeof outcome !== 'object' || outcome === null) return JSON.stringify(outcome) ?? 'null';
  let fields = '';
  for (const name of Object.keys(outcome)) {
    const value = (outcome as Record<string, unknown>)[name];
    // Names are those of our own types, which need no escape.
    if (value !== undefined) fields += `${fields === '' ? '"' : ',"'}${name}":${writeOutcome(value)}`;
  }
  return `{${fields}}`;
}

/** Reads an outcome that writeOutcome wrote. */
export function readOutcome(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown) => (isWrapped(value) ? BigInt(value.bigint) : value));
}

function isWrapped(value: unknown): value is { bigint: string } {
  return typeof value === 'object' && value !== null && 'bigint' in value;
}
