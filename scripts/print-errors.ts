// `npm run errors`: prints docs/errors.md from the table of reasons.
import { writeFileSync } from 'node:fs';
import { errorsPage } from './contracts/errors-page.ts';

writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage());
