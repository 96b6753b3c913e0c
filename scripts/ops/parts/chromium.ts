// Debian's Chromium, driven by Playwright: for pictures of pages and for tests of what a page does.
import { type Browser, chromium } from 'playwright-core';
import { debianPackages, type FoundPrograms } from '../install.ts';
import { required } from './part.ts';

/** Nothing that Chromium asks for by itself: updates, its own services. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** Finds or installs Chromium. */
export function findChromium(log?: (line: string) => void): Promise<FoundPrograms> {
  return debianPackages(['chromium'], ['chromium'], log);
}

/** Starts Chromium without a window. Throws a SetupError when it cannot be had. */
export async function startChromium(log?: (line: string) => void): Promise<Browser> {
  const [executablePath = ''] = required('Chromium', await findChromium(log)).paths;
  // The sandbox of Chromium refuses root, as containers and CI run it; the pages are our own.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({
    executablePath,
    args: [...QUIET, ...sandbox],
    // At a signal Playwright would end this process before it has stopped what else it started.
    ...{ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false },
  });
}
