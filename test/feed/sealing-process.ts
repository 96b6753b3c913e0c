// A process that seals the feed of DATABASE_URL and does nothing else, for tests that kill it.
import { createSealer } from '../../src/worker/feed/index.ts';
import { createTestPool } from '../test-pool.ts';

const { DATABASE_URL = '' } = process.env;

createSealer({ pool: createTestPool(DATABASE_URL), observer: { trouble: () => {} } });
console.log('sealing');
