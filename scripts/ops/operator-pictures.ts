// The pictures of the operator's page in docs/operators.md, taken from a running ppuri.
import type { Browser, Page } from 'playwright-core';
import { createApiKey } from '../../src/usecases/index.ts';
import { type KeyAdminConfig, loadKeyEncryptionKeys, plainKey, withKeyAdmin } from '../cli/key-admin.ts';
import { SetupError } from '../cli/program.ts';
import type { Product } from './observe/product.ts';

/** The folder of the pictures. */
export const OPERATOR_PICTURES_FOLDER = new URL('../../docs/operators/', import.meta.url);

/** A picture, and its name in OPERATOR_PICTURES_FOLDER. */
export interface TakenPicture {
  readonly file: string;
  readonly png: Buffer;
}

const DESK = { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } as const;
const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } as const;

/** How often signing in is tried: servers read new keys some milliseconds after they were made. */
const ATTEMPTS = 5;

/** Takes the first page at a desk in the light, and a wallet on a phone in the dark, with a key of its own. */
export async function takeOperatorPictures(
  browser: Browser,
  { info, dataDir }: Pick<Product, 'info' | 'dataDir'>,
): Promise<TakenPicture[]> {
  const config: KeyAdminConfig = {
    adminDatabaseUrl: info.adminDatabaseUrl,
    redis: { url: info.redisUrl },
    keyEncryptionKeys: process.env.KEY_ENCRYPTION_KEYS || loadKeyEncryptionKeys(dataDir),
  };
  const { key, secret = '' } = await withKeyAdmin(config, { command: 'screenshots', keyId: '' }, (admin) =>
    createApiKey(admin, plainKey('Kim, on call', ['admin', 'read']), undefined),
  );
  const signIn = async (page: Page) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await page.goto(`${info.adminOpsUrl}/operator/sign-in`);
      await page.locator('#key_id').fill(key.id);
      await page.locator('#secret').fill(secret);
      await page.locator('main button').click();
      await page.locator('nav, [role=alert]').first().waitFor();
      if ((await page.locator('nav').count()) > 0) return;
    }
    throw new SetupError("the operator's page lets nobody in");
  };
  await using desk = await browser.newPage(DESK);
  await signIn(desk);
  const state = await desk.screenshot();
  await using phone = await browser.newPage(PHONE);
  await signIn(phone);
  await phone.locator('#q').fill(String(info.users[0]));
  await phone.keyboard.press('Enter');
  await phone.locator('main td a').first().click();
  await phone.locator('h1', { hasText: 'Wallet' }).waitFor();
  return [
    { file: 'state.png', png: state },
    { file: 'wallet.png', png: await phone.screenshot() },
  ];
}
