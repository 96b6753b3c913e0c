// Finds the known name that a misspelt one was probably meant to be.

/** Two slips are enough to say so in a long name, one in a short name, where many words are close to each other. */
const LONG_NAME = 9;

/** The known name that is closest to this one, if it is one or two slips away; undefined when none is that close. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: { readonly name: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const most = Math.min(name.length, candidate.length) < LONG_NAME ? 1 : 2;
    if (Math.abs(name.length - candidate.length) > most) continue;
    const slips = slipsBetween(name, candidate);
    if (slips <= most && slips < (nearest?.slips ?? Number.POSITIVE_INFINITY))
      nearest = { name: candidate, slips };
  }
  return nearest?.name;
}

/**
 * How many letters were left out, put in, replaced, or swapped with the next one, to make one name of the other
 * (Damerau–Levenshtein distance, restricted to one edit for each place).
 */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
