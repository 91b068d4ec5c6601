import type { JsonSchema } from '../../../schema/schema.ts'
import { json, type Operation, type Operations } from './operation.ts'
import { choice, each, record, ref, said, TEXT } from './shape.ts'

export const PROBE_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Probe: record({
    status: choice('ok', 'unavailable'),
    reasons: said('Why not.', each(TEXT)),
    notes: said('What is worth knowing although it is.', each(TEXT)),
  }),
}

function probe(id: string, summary: string): Operation {
  return { id, tag: 'Probes', summary, answer: json('Yes.', ref('Probe')), others: { 503: json('No.', ref('Probe')) } }
}

export const PROBE_OPERATIONS: Operations = {
  'GET /livez': probe('getLiveness', 'Whether the process can still mend itself'),
  'GET /readyz': probe('getReadiness', 'Whether new connections are welcome'),
  'GET /startupz': probe('getStartup', 'Whether a config is live and a worker listens'),
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'Probes',
    summary: 'All metrics, for Prometheus',
    answer: {
      description: 'In the text format, or as OpenMetrics where `Accept` names it.',
      content: {
        'text/plain': { schema: { type: 'string' } },
        'application/openmetrics-text': { schema: { type: 'string' } },
      },
    },
  },
}
