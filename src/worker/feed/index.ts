// The feed in a worker: the seal, which it does all the time (sealer.ts), and what reads the feed to send events on
// (event-source.ts, body.ts). Other folders import this file only.

export { bodyOf, linesOf, walletsOf } from './body.ts';
export { createEventSource, type EventSource, type FeedEnd } from './event-source.ts';
export { createSealer, type SealerTools } from './sealer.ts';
