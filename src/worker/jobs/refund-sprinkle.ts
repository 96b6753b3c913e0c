// Pays back what is left of one sprinkle whose refund failed among others.
import { findSprinkleById } from '../../db/jobs/index.ts';
import type { Job } from '../job.ts';
import { type RefundTools, refund } from './expire-sprinkles.ts';

/** Its data names the sprinkle as `sprinkleId`. */
export function refundOneSprinkle(tools: RefundTools): Job {
  return {
    async run({ sprinkleId }) {
      const sprinkle = await findSprinkleById(tools.pool, String(sprinkleId));
      if (!sprinkle) return { found: false };
      const { amount } = await refund(tools, sprinkle);
      return { found: true, amount: amount.toString() };
    },
  };
}
