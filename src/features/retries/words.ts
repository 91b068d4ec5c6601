import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'
import type { Obstacle } from '../../core/plan.ts'

export const metrics = {
  sluice_retries_total: {
    kind: 'counter',
    help: 'Attempts after the first, by what became of the attempt before: a reason, a status from 500 on, or ok for another status in retries.when.',
    labels: ['route', 'reason'],
  },
} as const satisfies MetricTable

const BECAUSE: Readonly<Record<Obstacle, string>> = {
  attempts: 'as many as the route allows were made (retries.maxExtra)',
  prior: 'a trusted gateway in front of this one retries by itself',
  method: 'the method must not be repeated once bytes were sent (retries.methods)',
  body: 'the body was too large to be kept for one',
  time: 'too little time was left',
  condition: 'the route does not retry after this (retries.when)',
}

export const decisions = {
  retry: decision({
    doc: 'A further attempt followed a failed one.',
    facts: {
      attempt: { type: 'number', doc: 'Its number.' },
      after: { type: 'string', doc: 'What became of the attempt before: a reason or a status.' },
    },
    sentence: ({ after, attempt }) => `attempt ${attempt} follows after ${after}`,
    event: 'retry',
    // The story shows both attempts.
    story: false,
  }),
  no_retry: decision({
    doc: 'No further attempt followed.',
    facts: { because: { type: 'string', doc: `The obstacle: ${Object.keys(BECAUSE).join(', ')}.` } },
    sentence: ({ because }) => `no further attempt: ${BECAUSE[because as Obstacle] ?? because}`,
  }),
}
