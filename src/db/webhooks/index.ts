// The SQL of webhooks: what servers do to them (settings.ts), and how workers share them out and send (queue.ts). Other folders
// import this file only.

export { recentDeliveries, resumeWebhook, type WebhookOverview, webhookOverviews } from './overview.ts';
export {
  type AttemptResult,
  type HeldWebhook,
  type Hold,
  heldWebhook,
  holdWebhooks,
  passOverExpired,
  pauseWebhook,
  purgeWebhooks,
  recordAttempts,
  releaseWebhooks,
  type TakeUp,
  takeUpEvents,
  type UndeliveredEvent,
  undeliveredEvents,
} from './queue.ts';
export { type SealedSecrets, sealedWebhookKeys } from './sealed.ts';
export {
  createWebhooks,
  type DeliveryPlace,
  type NewKeys,
  type NewWebhook,
  type WebhookChange,
  type Webhooks,
} from './settings.ts';
export { type WebhookStates, webhookStates } from './states.ts';
