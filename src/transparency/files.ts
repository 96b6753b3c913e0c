// The names of the files that a log is saved in: `checkpoint-…` has the signed note of a size, `leaves-…` the hashes of the leaves
// from the checkpoint before up to that size. The size has leading zeros, so that names sort by it.

const DIGITS = 15;

const fileOf = (kind: string, size: number) => `${kind}-${String(size).padStart(DIGITS, '0')}`;

/** The file of a signed note. */
export function checkpointFile(size: number): string {
  return fileOf('checkpoint', size);
}

/** The file of the hashes of leaves that end at a size, 32 bytes each. */
export function leavesFile(size: number): string {
  return fileOf('leaves', size);
}

/** The size in the name of a file of this kind; undefined for other names. */
export function sizeOfFile(kind: 'checkpoint' | 'leaves', name: string): number | undefined {
  const size = Number(name.slice(-DIGITS));
  return Number.isSafeInteger(size) && name === fileOf(kind, size) ? size : undefined;
}
