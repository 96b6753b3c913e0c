// Deletes many rows in small transactions, so that no lock is held for long and a worker that stops can stop in between.

/** Calls `purge` with the size of a chunk until one is not full, or until the worker stops; returns how many rows went. */
export async function purgeInChunks(
  chunk: number,
  purge: (atMost: number) => Promise<number>,
  stopping: AbortSignal,
): Promise<number> {
  let purged = 0;
  for (let gone = chunk; gone === chunk && !stopping.aborted; purged += gone) gone = await purge(chunk);
  return purged;
}
