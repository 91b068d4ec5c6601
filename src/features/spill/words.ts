import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_spilled_total: {
    kind: 'counter',
    help: 'Requests that began at another upstream of their route than the one drawn, which could take none.',
    labels: ['route', 'from', 'to'],
  },
} as const satisfies MetricTable

export const decisions = {
  spilled: decision({
    doc: 'The first attempt went to another upstream of the route than the one drawn.',
    facts: {
      from: { type: 'string', doc: 'The upstream that was drawn.' },
      to: { type: 'string', doc: 'The upstream that the attempt went to.' },
    },
    sentence: ({ from, to }) => `${from} can take no first attempt: it goes to ${to}`,
    event: 'spilled',
  }),
}
