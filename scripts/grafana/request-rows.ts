import type { RowSpec } from './model.ts'
import { chart, JOB, quantile, ROUTE, rate, UPSTREAM } from './queries.ts'

const DURATION = 'sluice_request_duration_seconds'

export const traffic: RowSpec = {
  title: 'Traffic',
  panels: [
    {
      ...chart('Requests by status class', 'Answered or given up.', 'reqps', [
        [`sum by (status_class) (${rate(`${DURATION}_count`, ROUTE)})`, '{{status_class}}'],
      ]),
      stacked: true,
    },
    chart('Requests by route', 'The ten busiest.', 'reqps', [
      [`topk(10, sum by (route) (${rate('sluice_requests_total', ROUTE)}))`, '{{route}}'],
    ]),
    chart('In flight by route', 'Requests being handled.', 'short', [
      [`topk(10, sum by (route) (sluice_requests_in_flight{${ROUTE}}))`, '{{route}}'],
    ]),
    chart('Client connections', 'Open ones, by listener.', 'short', [
      [`sum by (listener) (sluice_connections{${JOB}})`, '{{listener}}'],
    ]),
  ],
}

export const errors: RowSpec = {
  title: 'Errors',
  panels: [
    {
      ...chart('Error ratio by route', 'Share of answers with a status from 500 on; the ten worst.', 'percentunit', [
        [
          `topk(10, sum by (route) (${rate('sluice_requests_total', ROUTE, 'status=~"5.."')}) / sum by (route) (${rate('sluice_requests_total', ROUTE)}))`,
          '{{route}}',
        ],
      ]),
      bad: 0.05,
    },
    chart('Failures by reason', 'Why Sluice answered or ended a request: docs/failures.md.', 'reqps', [
      [`sum by (reason) (${rate('sluice_requests_total', ROUTE, 'reason!="-"')})`, '{{reason}}'],
    ]),
    chart('Refusals by policy', 'Mode shadow: only counted.', 'reqps', [
      [`sum by (policy, reason, mode) (${rate('sluice_rejections_total', ROUTE)})`, '{{policy}} {{reason}} {{mode}}'],
    ]),
    chart('Degraded answers', 'A fallback answered; by the failure that it replaced.', 'reqps', [
      [`sum by (route, reason) (${rate('sluice_degraded_total', ROUTE)})`, '{{route}} {{reason}}'],
    ]),
  ],
}

export const latency: RowSpec = {
  title: 'Latency',
  panels: [
    chart('Duration of requests', 'From the complete head to the last byte of the answer.', 's', [
      [quantile(0.5, DURATION, ROUTE), 'p50'],
      [quantile(0.95, DURATION, ROUTE), 'p95'],
      [quantile(0.99, DURATION, ROUTE), 'p99'],
    ]),
    chart('p99 by route', 'The ten slowest.', 's', [
      [`topk(10, ${quantile(0.99, DURATION, ROUTE, 'route')})`, '{{route}}'],
    ]),
    chart(
      'p99 of attempts by upstream',
      'Seconds from the start of an attempt to the head of its answer, or its failure.',
      's',
      [[`topk(10, ${quantile(0.99, 'sluice_attempt_duration_seconds', UPSTREAM, 'upstream')})`, '{{upstream}}']],
    ),
    {
      title: 'Distribution',
      about: 'How many requests took how long.',
      type: 'heatmap',
      unit: 'short',
      width: 12,
      queries: [{ expr: `sum by (le) (increase(${DURATION}_bucket{${ROUTE}}[$__rate_interval]))`, legend: '{{le}}' }],
    },
  ],
}
