// `npm run edge -- SETTINGS [FILE]`: prints Envoy's configuration for these settings, or writes it into a file.
import { readFileSync, writeFileSync } from 'node:fs';
import { type EdgeSettings, renderEdge } from '../envoy/render.ts';
import { readCommandLine, runCli, SetupError } from './cli/program.ts';
import { EDGE_VARIABLES, readSettings } from './cli/variables.ts';

const USAGE = `usage: npm run edge -- SETTINGS [FILE]
  SETTINGS   a JSON file with the settings that docs/edge.md explains
  FILE       where the configuration is written to; it is printed where this is left out`;

await runCli(() => {
  const [settingsFile, output] = readCommandLine(USAGE, {}).positionals;
  if (settingsFile === undefined) throw new SetupError(USAGE);
  const { addressRatePerSecond } = readSettings(EDGE_VARIABLES);
  const config = render({ addressRatePerSecond, ...readSettingsFile(settingsFile) });
  if (output === undefined) console.log(config);
  else writeFileSync(output, config);
});

function readSettingsFile(path: string): EdgeSettings {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as EdgeSettings;
  } catch (error) {
    throw new SetupError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function render(settings: EdgeSettings): string {
  try {
    return renderEdge(settings);
  } catch (error) {
    throw error instanceof RangeError ? new SetupError(error.message) : error;
  }
}
