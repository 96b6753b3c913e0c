// admin.v1.StatisticsService: what people do and how ppuri does, in figures, for ops.
import {
  type StatisticsServiceService,
  Period as WirePeriod,
} from '../../../gen/ts/admin/v1/statistics_service.ts';
import { MEASURES } from '../../domain/statistics.ts';
import { type AdminCore, getStatistics } from '../../usecases/index.ts';
import type { Handlers } from '../service.ts';
import { toBound, toTimestamp } from '../timestamp.ts';

export const statisticsService = ({ pool }: AdminCore): Handlers<typeof StatisticsServiceService> => ({
  async listMeasures() {
    return { measures: Object.entries(MEASURES).map(([name, about]) => ({ name, about })) };
  },

  async getSeries({ measure, period, startTime, endTime, label }) {
    const figures = await getStatistics(pool, {
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
