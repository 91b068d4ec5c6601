import { map, mapped, object, offOr, optional, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf, type Problem, parsed, ratio, text } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'
import { secret } from '../../schema/secret.ts'

const endpoint: Schema<string> = parsed(
  'the base URL of a collector such as http://127.0.0.1:4318',
  (value): string | Problem => {
    if (!URL.canParse(value)) return { problem: '' }
    const { hash, password, pathname, protocol, search, username } = new URL(value)
    if (protocol !== 'http:' && protocol !== 'https:') return { problem: 'the scheme is http or https' }
    if (username !== '' || password !== '') return { problem: 'put secrets into headers, by reference', hidden: true }
    if (search !== '' || hash !== '') return { problem: 'it has no query and no fragment' }
    if (/\/v1\/(traces|metrics)\/?$/.test(pathname)) return { problem: '/v1/traces and /v1/metrics are added to it' }
    return value.replace(/\/+$/, '')
  },
)

const headerName = parsed('a header field name such as authorization', (value): string | Problem =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? value.toLowerCase() : { problem: '' },
)

const headers = mapped(map(headerName, secret()), (entries) =>
  Array.from(entries, ([name, value]) => ({ name, secret: value })),
)

const otlp = object(
  {
    endpoint: withDefault(endpoint, 'http://127.0.0.1:4318', 'Base URL at which the collector takes OTLP over HTTP.'),
    protocol: withDefault(oneOf('http/protobuf', 'http/json'), 'http/protobuf', 'Encoding of OTLP.'),
    headers: withDefault(headers, {}, 'Header fields for the collector; their values are secrets.'),
    timeout: withDefault(duration(100, 60_000), '10s', 'Longest time until the collector has answered.'),
  },
  { misplaced: { url: 'endpoint' } },
)

/** The `tracing` of a config. */
export const tracingOptions = object(
  {
    otlp: withDefault(otlp, {}, 'Collector of the spans.'),
    sample: withDefault(
      ratio(),
      '1%',
      'Share of the traces beginning here that are recorded. Other traces keep the decision of their beginning.',
    ),
    errors: withDefault(
      oneOf('always', 'sampled'),
      'always',
      'always: the spans of a failed request are sent even if its trace is not sampled.',
    ),
    parents: withDefault(
      oneOf('any', 'proxies'),
      'any',
      'Peers whose decision about a trace is followed. any: all. proxies: only those in trust.proxies; for others the trace ID decides.',
    ),
    service: optional(text('a name'), 'service.name of the spans. Default: gateway.name.'),
    buffer: withDefault(
      object({
        requests: withDefault(
          integer(1, 1_000_000),
          10_000,
          'Maximum running requests per worker whose spans are kept until it is known whether they fail.',
        ),
        spans: withDefault(integer(512, 1_000_000), 8192, 'Maximum spans that wait for the collector.'),
      }),
      {},
      'Limits; spans beyond them are dropped and counted.',
    ),
  },
  { misplaced: { endpoint: 'otlp.endpoint', sampling: 'sample', ratio: 'sample' } },
)

/** The `metrics` of a config. */
export const metricsOptions = object({
  endpointSeries: withDefault(
    integer(1, 100_000),
    1024,
    'Maximum endpoints of an upstream with metrics of their own, per worker; the least recently used one makes room.',
  ),
  otlp: optional(
    offOr(
      object({
        ...otlp.fields,
        every: withDefault(duration(1000, 3_600_000), '60s', 'Time between two exports.'),
      }),
    ),
    'Also sends all metrics to an OpenTelemetry collector. Default: off.',
  ),
})
