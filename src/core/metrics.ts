import type { AnyFeature } from './feature.ts'
import type { MetricDefinition, MetricTable } from './metric.ts'

/**
 * Every metric that belongs to no feature. Workers fill counters and histograms; the control plane reads
 * gauges when it is asked. No label holds what a client chose. `-`: nothing applies (no route matched, no failure).
 */
export const METRICS = {
  sluice_requests_total: {
    kind: 'counter',
    help: 'Requests answered or given up, by final status and reason of failure; status 499: the client left first.',
    labels: ['route', 'method', 'status', 'reason'],
  },
  sluice_request_duration_seconds: {
    kind: 'histogram',
    help: 'Seconds from the complete request head to the last byte of the answer.',
    labels: ['route', 'status_class'],
  },
  sluice_attempts_total: {
    kind: 'counter',
    help: 'Attempts sent to endpoints, by outcome: ok (an answer below 500), a status from 500 on, connect, reset, timeout, or ignored where the client had left or another attempt was quicker.',
    labels: ['upstream', 'endpoint', 'outcome'],
  },
  sluice_attempt_duration_seconds: {
    kind: 'histogram',
    help: 'Seconds from the start of an attempt to the head of its answer or its failure.',
    labels: ['upstream'],
  },
  sluice_degraded_total: {
    kind: 'counter',
    help: 'Requests that a fallback answered, by the failure that it replaced.',
    labels: ['route', 'reason'],
  },
  sluice_reroutes_total: {
    kind: 'counter',
    help: 'Requests that went on under another route, by the route that they matched; a fallback may send them there.',
    labels: ['route', 'to'],
  },
  sluice_side_requests_total: {
    kind: 'counter',
    help: 'Requests that features made, by final status and reason of failure; kind: call, stream, fork or connect; to: the upstream, of the latter two the route.',
    labels: ['feature', 'kind', 'to', 'status', 'reason'],
  },
  sluice_side_request_duration_seconds: {
    kind: 'histogram',
    help: 'Seconds from the start of a request that a feature made to its end.',
    labels: ['feature', 'kind', 'to'],
  },
  sluice_rejections_total: {
    kind: 'counter',
    help: 'Refusals by policies; mode shadow: refusals that were only counted.',
    labels: ['route', 'policy', 'reason', 'mode'],
  },
  sluice_plugin_slow_total: {
    kind: 'counter',
    help: 'Calls of a synchronous hook of a plug-in that held up their worker for 10 ms or more.',
    labels: ['plugin', 'hook'],
  },
  sluice_lost_ends_total: {
    kind: 'counter',
    help: 'Requests that had ended and still held something until the sweep found them; anything but 0 is a bug in Sluice.',
    labels: [],
  },
  sluice_spans_exported_total: {
    kind: 'counter',
    help: 'Spans that the collector has taken; only with tracing.',
    labels: [],
  },
  sluice_spans_dropped_total: {
    kind: 'counter',
    help: 'Spans that were not recorded or not sent, by what was full or went wrong; only with tracing.',
    labels: ['reason'],
  },
  sluice_metric_series_dropped_total: {
    kind: 'counter',
    help: 'Metric series that were not made because a worker has too many.',
    labels: [],
  },
  sluice_flight_recorder_dropped_total: {
    kind: 'counter',
    help: 'Failed or slow requests that were not kept because there were too many within a second.',
    labels: [],
  },
  sluice_feed_failing: {
    kind: 'gauge',
    help: 'Whether data that the control plane feeds to workers cannot be loaded, so that they keep what they have.',
    labels: ['feature', 'feed'],
  },
  sluice_flight_recorder_unstored_total: {
    kind: 'counter',
    help: 'Requests of the flight recorder that made room for others before they were on disk; only with a state directory that can be written.',
    labels: [],
  },
  sluice_requests_in_flight: { kind: 'gauge', help: 'Requests being handled now.', labels: ['route'] },
  sluice_client_faults_total: {
    kind: 'counter',
    help: 'Requests refused and connections closed by a listener because their client broke a rule of the protocol, a limit or a timeout.',
    labels: ['listener', 'rule'],
  },
  sluice_connections: { kind: 'gauge', help: 'Open client connections.', labels: ['listener'] },
  sluice_connections_retired_total: {
    kind: 'counter',
    help: 'Client connections that ended because of a limit of listeners.NAME.connections: maxAge or maxRequests.',
    labels: ['listener', 'limit'],
  },
  sluice_pool_connections_retired_total: {
    kind: 'counter',
    help: 'Connections to endpoints that ended because of a limit of upstreams.NAME.connections: maxAge or maxRequests.',
    labels: ['upstream', 'limit'],
  },
  sluice_pool_waiters: {
    kind: 'gauge',
    help: 'Attempts that wait for a connection now, because all connections.max of their endpoint are busy.',
    labels: ['upstream'],
  },
  sluice_upstream_endpoints: {
    kind: 'gauge',
    help: 'Endpoints by state: usable, ejected, unhealthy or draining; each endpoint is in exactly one.',
    labels: ['upstream', 'state'],
  },
  sluice_upstream_panic: {
    kind: 'gauge',
    help: '1 while health is ignored because fewer endpoints than panicThreshold are healthy, else 0.',
    labels: ['upstream'],
  },
  sluice_recovery_seconds: {
    kind: 'histogram',
    help: 'Seconds from the loss of the last usable endpoint of an upstream to the first usable one.',
    labels: ['upstream'],
  },
  sluice_config_info: { kind: 'gauge', help: 'The live configuration; always 1.', labels: ['hash'] },
  sluice_config_last_reload_successful: {
    kind: 'gauge',
    help: '1 when the latest attempt to load the configuration succeeded; 0: it was refused, and the configuration before it is live.',
    labels: [],
  },
  sluice_config_last_reload_success_timestamp_seconds: {
    kind: 'gauge',
    help: 'When the live configuration was loaded, seconds since the Unix epoch.',
    labels: [],
  },
  sluice_config_source_checked_timestamp_seconds: {
    kind: 'gauge',
    help: 'The latest look at the URL of the configuration, seconds since the Unix epoch. Files have none.',
    labels: [],
  },
  sluice_config_source_read_timestamp_seconds: {
    kind: 'gauge',
    help: 'The latest look at the URL of the configuration that found it whole and signed as it must be, seconds since the Unix epoch.',
    labels: [],
  },
  sluice_config_source_failures_total: {
    kind: 'counter',
    help: 'Looks at the URL of the configuration that failed, by reason: see docs/operations/config-sources.md.',
    labels: ['reason'],
  },
  sluice_build_info: { kind: 'gauge', help: 'The running version; always 1.', labels: ['version', 'node'] },
  sluice_worker_restarts_total: {
    kind: 'counter',
    help: 'Workers that were replaced, by reason: hung, error, memory, exit or config.',
    labels: ['reason'],
  },
  sluice_worker_utilization_ratio: {
    kind: 'gauge',
    help: 'Share of the latest 5 s in which the event loop of a worker was busy, from 0 to 1.',
    labels: ['worker'],
  },
  sluice_buffered_bytes: {
    kind: 'gauge',
    help: 'Bytes of bodies that a worker keeps, at most 0.25 s ago; body: request (for attempts) or answer (for clients that read slowly).',
    labels: ['worker', 'body'],
  },
  sluice_store_calls_total: {
    kind: 'counter',
    help: 'Calls to a store, by result: ok, or why the store was unavailable.',
    labels: ['store', 'call', 'result'],
  },
  sluice_store_call_duration_seconds: {
    kind: 'histogram',
    help: 'Seconds from a call to a store to its answer.',
    labels: ['store'],
  },
  sluice_store_up: {
    kind: 'gauge',
    help: '1: the store answers; 0: its thread has ended, or cannot open its file.',
    labels: ['store', 'engine'],
  },
  sluice_store_bytes: {
    kind: 'gauge',
    help: 'Bytes that a store takes: of memory, or of its file without the log.',
    labels: ['store'],
  },
  sluice_store_evicted_total: {
    kind: 'counter',
    help: 'Entries that made room for others before they expired; only a store in memory evicts.',
    labels: ['store'],
  },
  sluice_log_dropped_total: {
    kind: 'counter',
    help: 'Access-log lines dropped because their ring was full or stdout was gone.',
    labels: [],
  },
} as const satisfies MetricTable

/** With those of features. */
export function metricTable(features: readonly Pick<AnyFeature, 'metrics'>[]): MetricTable {
  return Object.assign({}, METRICS, ...features.map(({ metrics }) => metrics))
}

const STATUS_CLASSES: readonly string[] = ['other', '1xx', '2xx', '3xx', '4xx', '5xx']
/** Number of the labels that {@link statusClass} gives. */
export const STATUS_CLASS_COUNT: number = STATUS_CLASSES.length

/** Place of a status among the classes. */
export function statusClassIndex(status: number): number {
  return status >= 100 && status < 600 ? Math.floor(status / 100) : 0
}

/** The label `status_class`. */
export function statusClass(index: number): string {
  return STATUS_CLASSES[index] as string
}

/** Upper bounds in seconds: OpenTelemetry's for HTTP durations, and 15, 30, 60. One more slot counts what is above. */
export const BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 30, 60,
]

/** Slots of a histogram: one per bucket, one above the last, then the sum. The count is the sum of the buckets. */
export const HISTOGRAM_SLOTS: number = BUCKETS.length + 2

/** Consecutive Float64 slots of one series. */
export function slotsOf({ kind }: MetricDefinition): number {
  return kind === 'histogram' ? HISTOGRAM_SLOTS : 1
}
