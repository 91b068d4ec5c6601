import type { EventFacts, EventTable, FeatureEvent } from '../../core/event.ts'
import type { Notice } from '../../core/notice.ts'
import type { EjectionEvents } from './outlier.ts'

const counter: FeatureEvent['counter'] = {
  metric: 'sluice_ejections_total',
  labels: ({ cause, mode, upstream }) => [String(upstream), String(cause), String(mode)],
}

export const events = {
  ejected: { log: { level: 'warn', message: 'endpoint ejected' }, counter },
  /** In mode shadow. */
  spared: { log: { level: 'warn', message: 'endpoint would be ejected' }, counter },
  returned: { log: { level: 'info', message: 'endpoint is back on probation' } },
} as const satisfies EventTable

/** Reports what happens to the endpoints of an upstream. */
export function reporting(feature: string, upstream: string, report: (notice: Notice) => void): EjectionEvents {
  const tell = (event: keyof typeof events, facts: EventFacts): void =>
    report({ kind: 'event', feature, event, facts: { upstream, ...facts } })
  return {
    ejected: ({ cause, endpoint, mode, ms }) =>
      tell(mode === 'enforce' ? 'ejected' : 'spared', { endpoint, cause, ms, mode }),
    returned: (endpoint) => tell('returned', { endpoint }),
  }
}
