// `npm run configuration`: prints docs/configuration.md from the variables that the programs read.
import { writeFileSync } from 'node:fs';
import { configurationPage } from './contracts/configuration-page.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationPage());
