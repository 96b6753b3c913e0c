// Loaded into a program before its own code, with --expose-gc: collects all garbage again and again, and appends what is left, in
// bytes, to the file HELD_MEMORY_FILE. Resident memory also has the garbage that V8 has not had a reason to collect.
import { appendFileSync } from 'node:fs';

/** How many times as long as a collection took the program has for its own work until the next one. */
const REST = 3;
const { HELD_MEMORY_FILE: file } = process.env;
const { gc } = globalThis as { gc?: () => void };

if (file && gc) {
  const sample = () => {
    const begin = performance.now();
    gc();
    const { heapUsed, external } = process.memoryUsage();
    appendFileSync(file, `${heapUsed + external}\n`);
    setTimeout(sample, (performance.now() - begin) * REST).unref();
  };
  setTimeout(sample).unref();
}
