// Days that do not end while a test runs.

/** A time zone in which it is noon, so that what is counted for a day is counted for the whole run. */
export function noonZone(): string {
  const offset = new Date().getUTCHours() - 12;
  // These names have the sign the other way round.
  return `Etc/GMT${offset < 0 ? '' : '+'}${offset}`;
}
