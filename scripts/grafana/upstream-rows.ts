import type { RowSpec } from './model.ts'
import { BOTH, chart, quantile, ROUTE, rate, UPSTREAM } from './queries.ts'

const FAILED = 'outcome=~"connect|reset|timeout|5.."'

const STATES = [
  ['ramping', 1],
  ['half_open', 2],
  ['open', 3],
  ['forced_closed', 4],
  ['forced_open', 5],
] as const

export const breakers: RowSpec = {
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

export const endpoints: RowSpec = {
  title: 'Endpoints',
  panels: [
    chart('Endpoints that are not usable', 'By state.', 'short', [
      [`sum by (upstream, state) (sluice_upstream_endpoints{${UPSTREAM}, state!="usable"})`, '{{upstream}} {{state}}'],
    ]),
    {
      ...chart(
        'Failed attempts by endpoint',
        'Share of all attempts; the ten worst. Retries may hide them from clients.',
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
    chart('Attempts by outcome', 'At the head of the answer.', 'ops', [
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

export const retries: RowSpec = {
  title: 'Retries and budget',
  panels: [
    chart('Retries', 'Attempts after the first, by what became of the one before.', 'ops', [
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
    chart('Hedges', 'Second attempts beside a slow first one.', 'ops', [
      [`sum by (route) (${rate('sluice_hedges_total', ROUTE)})`, '{{route}}'],
    ]),
  ],
}

export const queues: RowSpec = {
  title: 'Queues and bulkheads',
  panels: [
    chart('Waiting', 'Requests in the queue of a bulkhead, and attempts for which no connection is free.', 'short', [
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
