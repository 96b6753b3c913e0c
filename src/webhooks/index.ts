// What webhooks are sent with: signatures after Standard Webhooks (signing.ts), the addresses that are allowed (addresses.ts),
// and one attempt over HTTP (send.ts). Other folders import this file only.

export { type AddressRules, checkWebhookUrl } from './addresses.ts';
export { createSender, type Sender, type SenderOptions, type SendResult } from './send.ts';
export {
  drawWebhookKeys,
  openWebhookKeys,
  sealWebhookKeys,
  signedHeaders,
  signerOf,
  type WebhookSigner,
} from './signing.ts';
