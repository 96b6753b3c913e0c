// Envoy at the edge: what clients ask of it, what it refuses by itself, and how it reaches the servers.
import type { DashboardSpec } from './dashboard.ts';
import { chart, type PanelQuery, stat, UNIT } from './panel.ts';
import { CHOSEN, countedOrZero, rateOf, shareOf } from './promql.ts';

/** The two doors for clients; Envoy's own pages are not among them. */
const DOORS = 'envoy_http_conn_manager_prefix=~"rest|grpc"';
/** The servers of ppuri behind the edge. */
const SERVERS = 'envoy_cluster_name="server"';

/** Envoy's histograms are in milliseconds; lines in seconds. */
const percentiles = (histogram: string, matchers: string): readonly PanelQuery[] =>
  [50, 90, 99].map((percentile) => [
    `histogram_quantile(${percentile / 100}, sum by (le) (${rateOf(`${histogram}_bucket`, matchers)})) / 1000`,
    `p${percentile}`,
  ]);

const counted = (counter: string, matchers: string) => countedOrZero(`sum(${rateOf(counter, matchers)})`);

/** The dashboard. */
export const EDGE: DashboardSpec = {
  name: 'edge',
  title: 'edge',
  purpose: 'Do clients reach the edge, does the edge reach the servers, and what does it refuse by itself?',
  instancesOf: 'envoy_server_live',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Requests a second',
          tells: 'Requests over REST, gRPC and gRPC-Web.',
          good: 'about what it was a week ago at this time.',
          unit: UNIT.calls,
          queries: [[`sum(${rateOf('envoy_http_downstream_rq_total', DOORS)})`, 'requests']],
        }),
        stat({
          title: 'Answered 5xx',
          tells: 'The share of requests that were answered with a status from 500 on.',
          good: 'below 0.1 %, and 0 most of the time. Over gRPC errors have status 200: see the overview.',
          unit: UNIT.share,
          queries: [
            [
              shareOf(
                `(sum(${rateOf('envoy_http_downstream_rq_xx', `${DOORS},envoy_response_code_class="5"`)}) or vector(0))`,
                `sum(${rateOf('envoy_http_downstream_rq_total', DOORS)})`,
              ),
              'share',
            ],
          ],
          bad: { above: 0.001 },
        }),
        stat({
          title: 'Healthy servers',
          tells: 'Servers that the edge sends calls to, the least of all edges.',
          good: 'as many as were deployed, and 1 at least: with none every call is answered 503.',
          unit: UNIT.count,
          queries: [[`min(envoy_cluster_membership_healthy{${CHOSEN},${SERVERS}})`, 'servers']],
          bad: { below: 1 },
          runbook: 'no-healthy-server',
        }),
        stat({
          title: 'Connections of clients',
          tells: 'Connections that are open at the two doors.',
          good: 'level. Above 80 % of the edge’s bound new ones are refused soon.',
          unit: UNIT.count,
          queries: [[`sum(envoy_http_downstream_cx_active{${CHOSEN},${DOORS}})`, 'connections']],
        }),
      ],
    },
    {
      title: 'Clients',
      panels: [
        chart({
          title: 'Requests by door',
          tells: 'Requests a second over REST, and over gRPC with gRPC-Web.',
          good: 'the shape of yesterday.',
          unit: UNIT.calls,
          queries: [
            [
              `sum by (envoy_http_conn_manager_prefix) (${rateOf('envoy_http_downstream_rq_total', DOORS)})`,
              '{{envoy_http_conn_manager_prefix}}',
            ],
          ],
        }),
        chart({
          title: 'Answers by class',
          tells: 'Answers a second by the first digit of their HTTP status.',
          good: 'nearly all 2; 4 in step with callers’ mistakes; 5 about 0.',
          unit: UNIT.perSecond,
          queries: [
            [
              `sum by (envoy_response_code_class) (${rateOf('envoy_http_downstream_rq_xx', DOORS)})`,
              '{{envoy_response_code_class}}xx',
            ],
          ],
        }),
        chart({
          title: 'Duration at the edge',
          tells: 'Time from a request’s first byte to the last one of its answer, streams included.',
          good: 'the 99th percentile below 0.5 s, and within 10 ms of the servers’.',
          unit: UNIT.seconds,
          queries: percentiles('envoy_http_downstream_rq_time', DOORS),
          bad: { above: 0.5 },
        }),
        chart({
          title: 'Connections by door',
          tells: 'Connections that are open, by door.',
          good: 'level. A steep rise without requests is a flood, or clients that do not reuse theirs.',
          unit: UNIT.count,
          queries: [
            [
              `sum by (envoy_http_conn_manager_prefix) (envoy_http_downstream_cx_active{${CHOSEN},${DOORS}})`,
              '{{envoy_http_conn_manager_prefix}}',
            ],
          ],
        }),
      ],
    },
    {
      title: 'Refused by the edge itself',
      panels: [
        chart({
          title: 'Refusals by cause',
          tells:
            'Requests a second that no server saw: over the limit of an address, no route, not read, too large.',
          good: 'about 0. What they were stands in the edge’s access log.',
          unit: UNIT.perSecond,
          queries: [
            [
              countedOrZero(`sum(${rateOf('envoy_http_local_rate_limit_rate_limited')})`),
              'limit of an address',
            ],
            [counted('envoy_http_no_route', DOORS), 'no route'],
            [counted('envoy_http_rbac_denied', DOORS), 'not allowed'],
            [counted('envoy_http_downstream_cx_protocol_error', DOORS), 'not HTTP'],
            [counted('envoy_http_downstream_rq_too_large', DOORS), 'too large'],
          ],
        }),
        chart({
          title: 'Given up by clients',
          tells:
            'Requests a second that clients reset, and requests whose headers or body did not come in time.',
          good: 'about 0. Many resets: clients whose deadline is below the duration of calls.',
          unit: UNIT.perSecond,
          queries: [
            [counted('envoy_http_downstream_rq_rx_reset', DOORS), 'reset'],
            [counted('envoy_http_downstream_rq_header_timeout', DOORS), 'headers too slow'],
            [counted('envoy_http_downstream_rq_timeout', DOORS), 'body too slow'],
          ],
        }),
      ],
    },
    {
      title: 'Servers behind the edge',
      panels: [
        chart({
          title: 'Duration at the servers',
          tells: 'Time from the edge’s request to the server’s last byte.',
          good: 'the 99th percentile below 0.5 s. The difference to the edge’s own is what slow clients cost.',
          unit: UNIT.seconds,
          queries: percentiles('envoy_cluster_upstream_rq_time', SERVERS),
          bad: { above: 0.5 },
        }),
        chart({
          title: 'Retries and failures',
          tells:
            'Requests a second that the edge sent again to another server, that ran out of time, or met a full pool.',
          good: '0. Retries while a server restarts are normal.',
          unit: UNIT.perSecond,
          queries: [
            [counted('envoy_cluster_upstream_rq_retry', SERVERS), 'sent again'],
            [counted('envoy_cluster_upstream_rq_timeout', SERVERS), 'out of time'],
            [counted('envoy_cluster_upstream_rq_pending_overflow', SERVERS), 'pool full'],
            [counted('envoy_cluster_upstream_cx_connect_fail', SERVERS), 'not connected'],
          ],
        }),
        chart({
          title: 'Servers by health',
          tells: 'Servers that the edge knows, and those that it sends calls to.',
          good: 'both the same, and 1 or more.',
          unit: UNIT.count,
          queries: [
            [`sum(envoy_cluster_membership_total{${CHOSEN},${SERVERS}})`, 'known'],
            [`sum(envoy_cluster_membership_healthy{${CHOSEN},${SERVERS}})`, 'healthy'],
          ],
          bad: { below: 1 },
          runbook: 'no-healthy-server',
        }),
        chart({
          title: 'Memory of the edge',
          tells: 'Bytes that Envoy has allocated.',
          good: 'level, below 500 MB.',
          unit: UNIT.bytes,
          queries: [[`envoy_server_memory_allocated{${CHOSEN}}`, '{{instance}}']],
          bad: { above: 500e6 },
        }),
      ],
    },
  ],
};
