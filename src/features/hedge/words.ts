import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_hedges_total: {
    kind: 'counter',
    help: 'Second attempts that began beside a slow first one; those that lost count as ignored among the attempts.',
    labels: ['route'],
  },
} as const satisfies MetricTable

export const decisions = {
  hedge: decision({
    doc: 'A second attempt began beside a slow first one.',
    facts: {
      attempt: { type: 'number', doc: 'Number of the second attempt.' },
      upstream: { type: 'string', doc: 'Where it went.' },
    },
    sentence: ({ upstream }) => `no answer yet: a second attempt begins beside the first, at ${upstream}`,
    event: 'hedge',
  }),
}
