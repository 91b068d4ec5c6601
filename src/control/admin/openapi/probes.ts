import { choice, each, record, ref, said, TEXT } from '../../../schema/shape.ts'
import { json, type RouteDescription } from './description.ts'

const SCHEMAS = {
  Probe: record({
    status: choice('ok', 'unavailable'),
    reasons: said('Reasons why not.', each(TEXT)),
    notes: said('Facts worth knowing although it is.', each(TEXT)),
  }),
}

function probe(id: string, summary: string): RouteDescription {
  return {
    id,
    tag: 'Probes',
    summary,
    answer: json('Yes.', ref('Probe')),
    others: { 503: json('No.', ref('Probe')) },
    schemas: SCHEMAS,
  }
}

/** What the document says of the probes, by path. */
export const PROBES = {
  livez: probe('getLiveness', 'Whether the process can still recover by itself'),
  readyz: probe('getReadiness', 'Whether new connections are welcome'),
  startupz: probe('getStartup', 'Whether a config is live and a worker listens'),
} as const

export const METRICS_PAGE: RouteDescription = {
  id: 'getMetrics',
  tag: 'Probes',
  summary: 'All metrics, for Prometheus',
  answer: {
    description: 'In the text format, or as OpenMetrics if `Accept` asks for it.',
    content: {
      'text/plain': { schema: { type: 'string' } },
      'application/openmetrics-text': { schema: { type: 'string' } },
    },
  },
  others: {},
}
