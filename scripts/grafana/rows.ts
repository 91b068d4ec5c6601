import type { PanelSpec, RowSpec } from './model.ts'

const JOB = 'job=~"$gateway", instance=~"$instance"'
const ROUTE = `${JOB}, route=~"$route"`
const UPSTREAM = `${JOB}, upstream=~"$upstream"`
const BOTH = `${ROUTE}, upstream=~"$upstream"`

/** `more`: further label matchers. */
function rate(metric: string, labels: string, more = ''): string {
  return `rate(${metric}{${labels}${more === '' ? '' : `, ${more}`}}[$__rate_interval])`
}

function quantile(q: number, metric: string, labels: string, by = ''): string {
  return `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (${rate(`${metric}_bucket`, labels)}))`
}

function chart(title: string, about: string, unit: PanelSpec['unit'], queries: readonly [string, string][]): PanelSpec {
  return {
    title,
    about,
    unit,
    type: 'timeseries',
    width: 12,
    queries: queries.map(([expr, legend]) => ({ expr, legend })),
  }
}

const DURATION = 'sluice_request_duration_seconds'
const FAILED = 'outcome=~"connect|reset|timeout|5.."'

const traffic: RowSpec = {
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

const errors: RowSpec = {
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
    chart('Degraded answers', 'A fallback answered; by the failure that it took the place of.', 'reqps', [
      [`sum by (route, reason) (${rate('sluice_degraded_total', ROUTE)})`, '{{route}} {{reason}}'],
    ]),
  ],
}

const latency: RowSpec = {
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
    chart('p99 of tries by upstream', 'From the start of a try to the head of its answer, or its failure.', 's', [
      [`topk(10, ${quantile(0.99, 'sluice_attempt_duration_seconds', UPSTREAM, 'upstream')})`, '{{upstream}}'],
    ]),
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

const saturation: RowSpec = {
  title: 'Saturation',
  panels: [
    {
      ...chart('Utilization of workers', 'Busy share of their event loops.', 'percentunit', [
        [`sluice_worker_utilization_ratio{${JOB}}`, '{{instance}} worker {{worker}}'],
      ]),
      bad: 0.85,
    },
    {
      title: 'Overload',
      about: 'What the workers do against it.',
      type: 'state-timeline',
      unit: 'none',
      width: 12,
      queries: [{ expr: `max by (instance) (sluice_overload_stage{${JOB}})`, legend: '{{instance}}' }],
      values: {
        0: { text: 'none', color: 'green' },
        1: { text: 'sheds', color: 'yellow' },
        2: { text: 'closes connections', color: 'orange' },
        3: { text: 'refuses', color: 'red' },
      },
    },
    chart('CPU', 'Cores that are used.', 'short', [[rate('process_cpu_seconds_total', JOB), '{{instance}}']]),
    chart('Memory', 'Resident.', 'bytes', [[`process_resident_memory_bytes{${JOB}}`, '{{instance}}']]),
    {
      ...chart('File descriptors', 'Share of those that the process may open.', 'percentunit', [
        [`process_open_fds{${JOB}} / process_max_fds{${JOB}}`, '{{instance}}'],
      ]),
      bad: 0.8,
    },
    chart('Control plane', 'Delay of the main thread’s event loop, 99 %. It serves no requests.', 's', [
      [`nodejs_eventloop_lag_p99_seconds{${JOB}}`, '{{instance}}'],
    ]),
  ],
}

const STATES = [
  ['ramping', 1],
  ['half_open', 2],
  ['open', 3],
  ['forced_closed', 4],
  ['forced_open', 5],
] as const

const breakers: RowSpec = {
  title: 'Circuit breakers',
  panels: [
    {
      title: 'States',
      about: 'Of each breaker; the worst of all instances.',
      type: 'state-timeline',
      unit: 'none',
      width: 12,
      queries: [
        {
          expr: `max by (route, upstream) (${STATES.map(([state, code]) => `sluice_breaker_state{${BOTH}, state="${state}"} * ${code}`).join(' or ')})`,
          legend: '{{route}} to {{upstream}}',
        },
      ],
      values: {
        0: { text: 'closed', color: 'green' },
        1: { text: 'ramping', color: 'yellow' },
        2: { text: 'half open', color: 'orange' },
        3: { text: 'open', color: 'red' },
        4: { text: 'forced closed', color: 'blue' },
        5: { text: 'forced open', color: 'purple' },
      },
    },
    chart('Transitions', 'Changes of state.', 'ops', [
      [
        `sum by (route, upstream, to) (${rate('sluice_breaker_transitions_total', BOTH)})`,
        '{{route}} to {{upstream}}: {{to}}',
      ],
    ]),
  ],
}

const endpoints: RowSpec = {
  title: 'Endpoints',
  panels: [
    chart('Endpoints that are not usable', 'By state.', 'short', [
      [`sum by (upstream, state) (sluice_upstream_endpoints{${UPSTREAM}, state!="usable"})`, '{{upstream}} {{state}}'],
    ]),
    {
      ...chart(
        'Failed tries by endpoint',
        'Share of all tries; the ten worst. Retries may hide them from clients.',
        'percentunit',
        [
          [
            `topk(10, sum by (upstream, endpoint) (${rate('sluice_attempts_total', UPSTREAM, FAILED)}) / sum by (upstream, endpoint) (${rate('sluice_attempts_total', UPSTREAM, 'outcome!="ignored"')}))`,
            '{{upstream}} {{endpoint}}',
          ],
        ],
      ),
      bad: 0.1,
    },
    chart('Tries by outcome', 'At the head of the answer.', 'ops', [
      [`sum by (outcome) (${rate('sluice_attempts_total', UPSTREAM)})`, '{{outcome}}'],
    ]),
    chart('Ejections', 'By outlier detection.', 'ops', [
      [
        `sum by (upstream, reason, mode) (${rate('sluice_ejections_total', UPSTREAM)})`,
        '{{upstream}} {{reason}} {{mode}}',
      ],
    ]),
    chart('Health checks and discovery', 'By what they came to.', 'ops', [
      [`sum by (upstream, result) (${rate('sluice_health_checks_total', UPSTREAM)})`, '{{upstream}} check {{result}}'],
      [
        `sum by (upstream, result) (${rate('sluice_discovery_refreshes_total', UPSTREAM)})`,
        '{{upstream}} look {{result}}',
      ],
    ]),
    chart(
      'Recovery and panic',
      'How long upstreams were without a usable endpoint (mean); 1: health is ignored.',
      's',
      [
        [
          `sum by (upstream) (${rate('sluice_recovery_seconds_sum', UPSTREAM)}) / sum by (upstream) (${rate('sluice_recovery_seconds_count', UPSTREAM)})`,
          '{{upstream}} recovered',
        ],
        [`max by (upstream) (sluice_upstream_panic{${UPSTREAM}}) == 1`, '{{upstream}} panic'],
      ],
    ),
  ],
}

const retries: RowSpec = {
  title: 'Retries and budget',
  panels: [
    chart('Retries', 'Tries after the first, by what became of the one before.', 'ops', [
      [`sum by (route, reason) (${rate('sluice_retries_total', ROUTE)})`, '{{route}} {{reason}}'],
    ]),
    {
      ...chart('Retries a request', 'By route.', 'percentunit', [
        [
          `sum by (route) (${rate('sluice_retries_total', ROUTE)}) / sum by (route) (${rate('sluice_requests_total', ROUTE)})`,
          '{{route}}',
        ],
      ]),
      bad: 0.2,
    },
    chart('Retries that the budget did not allow', 'By upstream.', 'ops', [
      [`sum by (upstream) (${rate('sluice_retry_budget_exhausted_total', UPSTREAM)})`, '{{upstream}}'],
    ]),
    chart('Hedges', 'Second tries beside a slow first one.', 'ops', [
      [`sum by (route) (${rate('sluice_hedges_total', ROUTE)})`, '{{route}}'],
    ]),
  ],
}

const queues: RowSpec = {
  title: 'Queues and bulkheads',
  panels: [
    chart('Waiting', 'Requests in the queue of a bulkhead, and tries for which no connection is free.', 'short', [
      [`sum by (route) (sluice_queue_depth{${ROUTE}})`, '{{route}}'],
      [`sum by (upstream) (sluice_pool_waiters{${UPSTREAM}})`, '{{upstream}} for a connection'],
    ]),
    chart('Wait', '99 % of those who waited.', 's', [
      [quantile(0.99, 'sluice_queue_wait_seconds', ROUTE, 'route'), '{{route}}'],
    ]),
    {
      ...chart('Permits in use', 'Share of those that there are; the ten fullest.', 'percentunit', [
        [
          `topk(10, sum by (route) (sluice_bulkhead_in_flight{${ROUTE}}) / sum by (route) (sluice_bulkhead_limit{${ROUTE}}))`,
          '{{route}}',
        ],
      ]),
      bad: 0.9,
    },
    chart('Streams', 'Open ones.', 'short', [[`sum by (route) (sluice_streams{${ROUTE}})`, '{{route}}']]),
  ],
}

function stat(title: string, about: string, unit: PanelSpec['unit'], expr: string, legend: string): PanelSpec {
  return { title, about, unit, type: 'stat', width: 6, queries: [{ expr, legend }] }
}

const config: RowSpec = {
  title: 'Config and workers',
  panels: [
    {
      ...stat(
        'Live configs',
        'More than one: the instances differ.',
        'short',
        `count(count by (hash) (sluice_config_info{${JOB}}))`,
        '',
      ),
      bad: 2,
    },
    {
      ...stat(
        'Latest reload',
        'Refused: what is live is older than what is written.',
        'none',
        `sluice_config_last_reload_successful{${JOB}}`,
        '{{instance}}',
      ),
      bad: 1,
      lowIsBad: true,
      values: { 0: { text: 'refused', color: 'red' }, 1: { text: 'live', color: 'green' } },
    },
    stat(
      'Age of the config',
      'Since it was loaded.',
      's',
      `time() - sluice_config_last_reload_success_timestamp_seconds{${JOB}}`,
      '{{instance}}',
    ),
    stat('Versions', 'Instances by version.', 'short', `count by (version) (sluice_build_info{${JOB}})`, '{{version}}'),
    chart('Workers replaced', 'By reason, within the range of the chart’s step.', 'short', [
      [
        `sum by (instance, reason) (increase(sluice_worker_restarts_total{${JOB}}[$__rate_interval]))`,
        '{{instance}} {{reason}}',
      ],
    ]),
    chart('Dropped', 'Access-log lines a second, and metric series.', 'ops', [
      [`sum by (instance) (${rate('sluice_log_dropped_total', JOB)})`, '{{instance}} log lines'],
      [`sum by (instance) (${rate('sluice_metric_series_dropped_total', JOB)})`, '{{instance}} series'],
    ]),
  ],
}

const OBJECTIVE = 'job=~"$gateway", route=~"$route"'

const objectives: RowSpec = {
  title: 'Objectives',
  panels: [
    {
      title: 'Error budget left',
      about: 'Of 30 days, over all instances and restarts. Needs config/prometheus/rules.yaml.',
      type: 'bargauge',
      unit: 'percentunit',
      width: 12,
      queries: [
        { expr: `route:sluice_slo_error_budget_remaining:ratio{${OBJECTIVE}}`, legend: '{{route}} {{objective}}' },
      ],
      bad: 0.2,
      lowIsBad: true,
    },
    {
      ...chart(
        'Burn rate',
        'How many times faster than allowed the budget is spent, over an hour. 14.4 pages.',
        'short',
        [[`route:sluice_slo_burn:rate1h{${OBJECTIVE}}`, '{{route}} {{objective}}']],
      ),
      bad: 14.4,
    },
    chart('Bad events', 'Requests that missed an objective.', 'reqps', [
      [
        `sum by (route, objective) (${rate('sluice_slo_events_total', ROUTE, 'result="bad"')})`,
        '{{route}} {{objective}}',
      ],
    ]),
    {
      ...chart(
        'Error budget left, as the processes see it',
        'Without rules: since their start; the least of the instances.',
        'percentunit',
        [[`min by (route, objective) (sluice_slo_error_budget_remaining_ratio{${ROUTE}})`, '{{route}} {{objective}}']],
      ),
      bad: 0.2,
      lowIsBad: true,
    },
  ],
}

export const ROWS: readonly RowSpec[] = [
  traffic,
  errors,
  latency,
  saturation,
  breakers,
  endpoints,
  retries,
  queues,
  config,
  objectives,
]
