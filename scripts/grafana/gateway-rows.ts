import type { RowSpec } from './model.ts'
import { chart, JOB, ROUTE, rate, stat } from './queries.ts'

export const saturation: RowSpec = {
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

export const config: RowSpec = {
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

export const objectives: RowSpec = {
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
