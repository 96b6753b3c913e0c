// The pictures of the API reference in docs/api.md.
import type { Language } from './words.ts';

/** A picture of the top of a page. */
export interface ReferencePicture {
  readonly language: Language;
  /** Its path below the folder of its language. */
  readonly page: string;
  readonly colorScheme: 'light' | 'dark';
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Its name in REFERENCE_PICTURES_FOLDER. */
  readonly file: string;
}

/** The folder of the pictures. */
export const REFERENCE_PICTURES_FOLDER = new URL('../../docs/api/', import.meta.url);

const page = 'v2/transfer-service/create-transfer.html';

/** Taken by `npm run screenshots`. */
export const REFERENCE_PICTURES: readonly ReferencePicture[] = [
  { language: 'en', page, colorScheme: 'light', width: 1000, height: 800, file: 'create-transfer-en.png' },
  { language: 'ko', page, colorScheme: 'dark', width: 390, height: 800, file: 'create-transfer-ko.png' },
];
