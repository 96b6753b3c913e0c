// `npm run screenshots`: pictures of two dashboards and of the operator's page for docs/, drawn from the real data of a minute
// of life, and of the API reference.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { crashReport, reportCrashes } from '../src/runtime/crash.ts';
import { sitePath } from './api-reference/layout.ts';
import { REFERENCE_PICTURES, REFERENCE_PICTURES_FOLDER } from './api-reference/pictures.ts';
import { serveApiReference } from './api-reference/serve.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { debianPackages } from './dev/install.ts';
import { findFree } from './dev/ports.ts';
import { endCommands, killProcesses } from './dev/processes.ts';
import { PICTURES, PICTURES_FOLDER, type Picture } from './ops/dashboards/pictures.ts';
import { startThrowaway } from './ops/observe/throwaway.ts';
import { OPERATOR_PICTURES_FOLDER, takeOperatorPictures } from './ops/operator-pictures.ts';
import { startChromium } from './ops/parts/chromium.ts';
import { required } from './ops/parts/part.ts';

const USAGE =
  'usage: npm run screenshots [-- --only api]; it writes docs/api/*.png and, in about three minutes, docs/dashboards/*.png and docs/operators/*.png';

/** The charts show the last two minutes, full of calls. */
const RANGE_SECONDS = 120;
const LIFE_SECONDS = RANGE_SECONDS + 15;
/** Two columns of charts. */
const WIDTH = 1000;
/** Pictures are in the repository, so they stay small, in bytes. */
const MOST_BYTES = 150_000;

reportCrashes();
const log = (line: string) => console.error(line);
const owner = new AsyncDisposableStack();
const stopped = Promise.withResolvers<undefined>();
let exitCode = 1;
onStopSignal(
  () => {
    endCommands();
    stopped.resolve(undefined);
  },
  () => {
    killProcesses();
    process.exit(1);
  },
);
const taking = takePictures().catch((error: unknown) => {
  log(error instanceof SetupError ? error.message : crashReport(error));
});
await Promise.race([taking, stopped.promise]);
await owner.disposeAsync();
killProcesses();
process.exit(exitCode);

async function takePictures(): Promise<void> {
  const { values, positionals } = readCommandLine(USAGE, { only: { type: 'string' } });
  const { only = '' } = values;
  if (positionals.length > 0 || !['', 'api'].includes(only)) throw new SetupError(USAGE);
  const found = await debianPackages(['pngquant'], ['pngquant'], log);
  const [pngquant = ''] = required('pngquant', found).paths;
  required('a Korean font', await debianPackages(['fonts-nanum'], [], log));
  const browser = await startChromium(log);
  owner.defer(() => browser.close());
  const write = (file: string, folder: URL, taken: Buffer) => {
    const png = shrink(pngquant, taken);
    mkdirSync(folder, { recursive: true });
    writeFileSync(new URL(file, folder), png);
    log(`${file}: ${Math.round(png.length / 1000)} KB`);
    if (png.length > MOST_BYTES) throw new SetupError(`it is larger than ${MOST_BYTES / 1000} KB`);
  };
  await takeReference(browser, write);
  if (only === '') await takeFromLife(browser, write);
  exitCode = 0;
}

type Write = (file: string, folder: URL, taken: Buffer) => void;

async function takeReference(browser: Browser, write: Write): Promise<void> {
  const [port = 0] = await findFree(1);
  await using server = await serveApiReference(port);
  for (const { language, page: path, colorScheme, width, height, file } of REFERENCE_PICTURES) {
    await using page = await browser.newPage({ colorScheme, viewport: { width, height } });
    await page.goto(`${server.url}${sitePath(language, path)}`);
    write(file, REFERENCE_PICTURES_FOLDER, await page.screenshot());
  }
}

async function takeFromLife(browser: Browser, write: Write): Promise<void> {
  const { urls, missing, product } = await startThrowaway(owner, log);
  const { dashboards } = urls;
  if (dashboards === undefined) throw new SetupError(missing.join('\n'));
  log(`Sending calls for ${LIFE_SECONDS} s …`);
  await sleep(LIFE_SECONDS * 1000);
  for (const picture of PICTURES) {
    write(picture.file, PICTURES_FOLDER, await take(browser, dashboards, picture));
  }
  for (const { file, png } of await takeOperatorPictures(browser, product)) {
    write(file, OPERATOR_PICTURES_FOLDER, png);
  }
}

/** The first two rows of a dashboard. */
async function take(browser: Browser, url: string, { dashboard, colorScheme }: Picture): Promise<Buffer> {
  await using page = await browser.newPage({ colorScheme, viewport: { width: WIDTH, height: WIDTH } });
  await page.goto(`${url}#${dashboard}/${RANGE_SECONDS}`);
  await page.locator(`body[data-drawn="${dashboard}"]`).waitFor();
  const last = await page.locator('section').nth(1).boundingBox();
  if (last === null) throw new Error(`${dashboard} has no second row`);
  const height = Math.ceil(last.y + last.height) + 10;
  return await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } });
}

/** The same picture in 256 colours, in a third of the bytes. */
function shrink(pngquant: string, png: Buffer): Buffer {
  return execFileSync(pngquant, ['--speed', '1', '--strip', '--quality', '60-95', '-'], { input: png });
}
