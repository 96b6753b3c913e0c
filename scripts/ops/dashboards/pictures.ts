// The pictures of dashboards in docs/dashboards.md.

/** A picture of the first rows of a dashboard. */
export interface Picture {
  readonly dashboard: string;
  readonly colorScheme: 'light' | 'dark';
  /** Its name in PICTURES_FOLDER. */
  readonly file: string;
}

/** The folder of the pictures. */
export const PICTURES_FOLDER = new URL('../../../docs/dashboards/', import.meta.url);

/** Taken by `npm run screenshots`. */
export const PICTURES: readonly Picture[] = [
  { dashboard: 'overview', colorScheme: 'light', file: 'overview.png' },
  { dashboard: 'ledger', colorScheme: 'dark', file: 'ledger.png' },
];
