// admin.v1.StatisticsService: time series of usage and performance, for operators.
import {
  StatisticsServiceService,
  Period as WirePeriod,
} from '../../../gen/ts/admin/v1/statistics_service.ts';
import type { AuditTrail } from '../../domain/act.ts';
import { MEASURES } from '../../domain/statistics.ts';
import { type AdminCore, getStatistics } from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { toBound, toTimestamp } from '../timestamp.ts';
import { withAudit } from './audit-calls.ts';

/** The handlers of admin.v1.StatisticsService, with every call on the audit trail. */
export const statisticsService = (
  core: AdminCore,
  trail: AuditTrail,
): Handlers<typeof StatisticsServiceService> => withAudit(StatisticsServiceService, handlers(core), trail);

const handlers = (core: AdminCore): Handlers<typeof StatisticsServiceService> => ({
  async listMeasures() {
    return { measures: Object.entries(MEASURES).map(([name, about]) => ({ name, about })) };
  },

  async getSeries({ measure, period, startTime, endTime, label }) {
    const figures = await getStatistics(core, {
      measure,
      period: period === WirePeriod.HOUR ? 'hour' : 'day',
      from: toBound(startTime, 'start_time') ?? 0,
      before: toBound(endTime, 'end_time') ?? 0,
      label,
    });
    return {
      figures: figures.map(({ startsAt, label, currency, value }) => ({
        startsAt: toTimestamp(startsAt),
        label,
        currencyCode: currency,
        value,
      })),
    };
  },
});
