// Stores what a process counted until the statistics of its hour and day are computed.
import type { Pool } from 'pg';
import { plainArray, textArray } from './sql.ts';

const INSERT = `
  INSERT INTO samples (measure, label, value) SELECT * FROM unnest($1::text[], $2::text[], $3::float8[])`;

/** Writes samples, each counted since the last time. */
export async function writeSamples(
  pool: Pool,
  samples: readonly { readonly measure: string; readonly label: string; readonly value: number }[],
): Promise<void> {
  if (samples.length === 0) return;
  const values = [
    textArray(samples.map(({ measure }) => measure)),
    textArray(samples.map(({ label }) => label)),
    plainArray(samples.map(({ value }) => value)),
  ];
  await pool.query({ name: 'write-samples', text: INSERT, values });
}
