// Hears that this program shall stop: Ctrl-C, a signal, or the death of the process that started it.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives up to three times: from the terminal, from npm and from the bootstrap. */
const SAME_MS = 500;

/** Calls `stop` the first time, and `hurry` when whoever asked asks again. */
export function onStopSignal(stop: () => void, hurry: () => void): void {
  let firstAt: number | undefined;
  const heard = () => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      stop();
    } else if (Date.now() - firstAt > SAME_MS) {
      hurry();
    }
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  // The bootstrap holds the other end of the channel; it closes with it, whatever it died of.
  process.once('disconnect', () => {
    if (firstAt === undefined) heard();
  });
  // Nobody may be left to read what is printed, which is no reason to stop stopping.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
