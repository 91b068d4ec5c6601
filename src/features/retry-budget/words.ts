import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_retry_budget_exhausted_total: {
    kind: 'counter',
    help: 'Further attempts that the retry budget of the upstream did not allow.',
    labels: ['upstream'],
  },
} as const satisfies MetricTable

export const decisions = {
  budget: decision({
    doc: 'The retry budget of an upstream allowed no further attempt there.',
    facts: { upstream: { type: 'string', doc: 'Name of the upstream.' } },
    sentence: ({ upstream }) => `the retry budget of ${upstream} is spent: no further attempt there`,
    event: 'retry_budget_exhausted',
  }),
}
