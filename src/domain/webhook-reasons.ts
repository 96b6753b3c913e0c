// The errors of webhooks.
import { entry, notFound, precondition } from './reason-entry.ts';

/** What calls of WebhookService are refused for. */
export const WEBHOOK_REASONS = {
  WEBHOOK_NOT_FOUND: notFound('there is no such webhook', '존재하지 않는 웹훅입니다'),
  WEBHOOK_EXISTS: entry(
    'ERR006',
    'ALREADY_EXISTS',
    'there is a webhook with this URL already; RotateWebhookSecret gives it a new secret',
    '같은 URL의 웹훅이 이미 있습니다. 비밀 값은 RotateWebhookSecret으로 새로 받을 수 있습니다',
  ),
  WEBHOOK_ROTATION_IN_PROGRESS: precondition(
    'the secret that was replaced last still signs; wait until it ends, or rotate without an overlap',
    '이전에 교체한 비밀 값이 아직 함께 서명합니다. 끝나기를 기다리거나 overlap을 0으로 해서 교체해 주세요',
  ),
  WEBHOOK_REDELIVERY_IN_PROGRESS: precondition(
    'events are being sent again already; wait until is_redelivering of the webhook is false',
    '이벤트를 이미 다시 보내고 있습니다. 웹훅의 is_redelivering이 false가 될 때까지 기다려 주세요',
  ),
  DELIVERY_NOT_FOUND: notFound(
    'the webhook has no such delivery, or it is kept no longer',
    '웹훅에 그런 전송이 없거나 보관 기간이 지났습니다',
  ),
} as const;
