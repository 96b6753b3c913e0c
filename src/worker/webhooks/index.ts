// Sends events to webhooks: start.ts starts it in a worker, runner.ts shares the webhooks out among workers, receiver.ts sends for
// one of them, and recorder.ts writes what became of the attempts.

export { startWebhooks } from './start.ts';
