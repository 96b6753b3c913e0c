// Who is refused and why, which keys and certificates end soon, and whether the trails are written.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, countedOrZero, rateOf } from './promql.ts';

/** The dashboard. */
export const SECURITY: DashboardSpec = {
  name: 'security',
  title: 'security',
  purpose:
    'Does somebody try what is not theirs, and what ends soon? Addresses and keys stand in the logs, not in labels.',
  instancesOf: 'ppuri_audit_acts_total',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Refused before they were known',
          tells: 'Calls a second that failed authentication.',
          good: 'about 0. Above 10 somebody tries signatures, a caller signs wrongly, or a clock is off.',
          unit: UNIT.calls,
          queries: [[`sum(${rateOf('ppuri_authentication_failures_total')})`, 'calls']],
          bad: { above: 10 },
          runbook: 'bad-signatures',
        }),
        stat({
          title: 'Key that ends first',
          tells: 'Until the first API key expires that has no successor; no number where none expires.',
          good: 'more than 14 days.',
          unit: UNIT.duration,
          queries: [['min(ppuri_api_key_expiry_seconds)', 'until']],
          bad: { below: 14 * 86_400 },
          runbook: 'api-key-expiring',
        }),
        stat({
          title: 'Difference of clocks',
          tells: 'How far the clock of a server is from the clock of Postgres, the largest of all.',
          good: 'below 1 s. Signatures may be 5 s ahead and 60 s old.',
          unit: UNIT.seconds,
          queries: [[`max(abs(ppuri_clock_skew_seconds{${CHOSEN}}))`, 'seconds']],
          bad: { above: 2 },
          runbook: 'clock-skew',
        }),
        stat({
          title: 'Lines that were not written',
          tells: 'Failures a second to write the audit trail or a log.',
          good: '0, always. Without the trail admin.v1 answers UNAVAILABLE.',
          unit: UNIT.perSecond,
          queries: [
            [
              `sum(${rateOf('ppuri_audit_write_failures_total')}) + sum(${rateOf('ppuri_log_write_failures_total')})`,
              'failures',
            ],
          ],
          bad: { above: 0.001 },
          runbook: 'audit-not-written',
        }),
      ],
    },
    {
      title: 'Refusals',
      panels: [
        chart({
          title: 'Authentication that failed',
          tells: 'Calls a second that failed authentication, by cause.',
          good: 'about 0. `key is not live` is a caller that missed the rotation of its key, or somebody with a stolen one.',
          unit: UNIT.calls,
          queries: [[`sum by (cause) (${rateOf('ppuri_authentication_failures_total')})`, '{{cause}}']],
          runbook: 'ended-key-used',
        }),
        chart({
          title: 'Refusals for who calls',
          tells: 'Refusals a second of codes ERR002 (not authenticated) and ERR004 (not allowed), by reason.',
          good: 'few. MISSING_SCOPE and KEY_USER_MISMATCH of one caller are a wrong setting, of many an attempt.',
          unit: UNIT.perSecond,
          queries: [
            [
              `topk(8, sum by (reason) (${rateOf('ppuri_rpc_errors_total', 'code=~"ERR002|ERR004"')}))`,
              '{{reason}}',
            ],
          ],
        }),
        chart({
          title: 'Calls that were sent again',
          tells: 'Calls a second whose nonce was seen before: the limiter refused them as replays.',
          good: 'about 0. HTTP clients that repeat requests by themselves are here too.',
          unit: UNIT.calls,
          queries: [
            [
              countedOrZero(`sum(${rateOf('ppuri_limiter_decisions_total', 'outcome="replayed"')})`),
              'replayed',
            ],
          ],
        }),
        chart({
          title: 'Guesses',
          tells: 'Calls a second refused because their user has guessed tokens of sprinkles too often.',
          good: '0. Above 1 somebody guesses.',
          unit: UNIT.calls,
          queries: [
            [countedOrZero(`sum(${rateOf('ppuri_limiter_decisions_total', 'limit="token"')})`), 'guesses'],
          ],
          bad: { above: 1 },
          runbook: 'tokens-guessed',
        }),
        chart({
          title: 'Refused by address',
          tells:
            'Requests a second that were refused for their address: by the edge, and by the servers’ limit.',
          good: 'about 0. The addresses stand in the edge’s access log.',
          unit: UNIT.calls,
          queries: [
            [countedOrZero('sum(rate(envoy_http_local_rate_limit_rate_limited[$__rate_interval]))'), 'edge'],
            [countedOrZero(`sum(${rateOf('ppuri_limiter_decisions_total', 'limit="ip"')})`), 'servers'],
          ],
        }),
        chart({
          title: 'Requests that are no calls',
          tells:
            'Requests a second that the edge or a server could not read: routes, fields, headers, encodings.',
          good: 'few. A scanner of addresses shows here first.',
          unit: UNIT.perSecond,
          queries: [
            [
              `topk(8, sum by (reason) (${rateOf('ppuri_rpc_errors_total', 'reason=~"ROUTE_NOT_FOUND|METHOD_NOT_FOUND|MALFORMED_REQUEST|INVALID_HEADER|HEADERS_TOO_LARGE|REQUEST_TOO_LARGE|UNSUPPORTED_CONTENT_TYPE|COMPRESSION_NOT_SUPPORTED"')}))`,
              '{{reason}}',
            ],
            [countedOrZero('sum(rate(envoy_http_no_route[$__rate_interval]))'), 'no route at the edge'],
          ],
        }),
      ],
    },
    {
      title: 'The audit trail',
      panels: [
        chart({
          title: 'Acts by outcome',
          tells: 'Acts on the audit trail a second, with those that a line counts for others.',
          good: 'attempted and done in step; denied and unauthenticated few.',
          unit: UNIT.perSecond,
          queries: [[`sum by (outcome) (${rateOf('ppuri_audit_acts_total')})`, '{{outcome}}']],
        }),
        chart({
          title: 'Acts without a line of their own',
          tells:
            'Refusals a second that were only counted: more than 60 lines in a minute, or 1,000 that wait for the database.',
          good: '0 outside of floods.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('ppuri_audit_dropped_total')})`, 'dropped']],
        }),
      ],
    },
    {
      title: 'What ends, and what others may have touched',
      panels: [
        chart({
          title: 'Certificates of the edge',
          tells: 'Days until the first certificate of the edge expires; 2^32 - 1 where it has none.',
          good: 'more than 14.',
          unit: UNIT.count,
          queries: [['min(envoy_server_days_until_first_cert_expiring)', 'days']],
          bad: { below: 14 },
          runbook: 'edge-certificate-expiring',
        }),
        chart({
          title: 'Certificates of servers',
          tells: 'Until the first certificate of each file of a server expires.',
          good: 'more than 14 days.',
          unit: UNIT.duration,
          queries: [
            [`min by (certificate) (ppuri_certificate_expiry_seconds{${CHOSEN}})`, '{{certificate}}'],
          ],
          bad: { below: 14 * 86_400 },
          runbook: 'certificate-expiring',
          requires: 'TLS between the edge and the servers',
        }),
        chart({
          title: 'Logs that are not written',
          tells: 'Times a second that lines could not be written, by log.',
          good: '0, always. Lines wait in memory meanwhile and are lost with the process.',
          unit: UNIT.perSecond,
          queries: [[`sum by (log) (${rateOf('ppuri_log_write_failures_total')})`, '{{log}}']],
          bad: { above: 0.001 },
          runbook: 'logs-not-written',
        }),
        chart({
          title: 'Cache entries that are not ours',
          tells: 'Cache entries a second whose signature is wrong; they are not used.',
          good: '0. Somebody else writes into this Redis, or servers have different EDGE_SECRETs.',
          unit: UNIT.perSecond,
          queries: [
            [countedOrZero(`sum(${rateOf('ppuri_cache_reads_total', 'result="corrupt"')})`), 'corrupt'],
          ],
          bad: { above: 0.001 },
          runbook: 'cache-corrupt',
        }),
      ],
    },
  ],
};
