import type { BreakerFacts } from '../../contract.ts'
import type { EndpointFacts } from '../../endpoints/drains.ts'
import type { AuditedState } from './auditing.ts'

export interface AuditedParts {
  readonly configHash: () => string
  readonly logLevel: () => string
  readonly breakers: () => Iterable<BreakerFacts>
  readonly endpoints: () => Iterable<EndpointFacts>
}

/** What each command may change, by its path below /api/v1. */
export function auditedStates({ breakers, configHash, endpoints, logLevel }: AuditedParts) {
  const config = (): AuditedState => ({ config: configHash() })
  return {
    config,
    reload: config,
    rollback: config,
    'log-level': (): AuditedState => ({ level: logLevel() }),
    breakers: (body: unknown): AuditedState => {
      const wanted = textOf(body, 'route')
      const met = [...breakers()].filter(({ route }) => route === wanted)
      return Object.fromEntries(met.map(({ route, state, upstream }) => [`${route} ${upstream}`, state]))
    },
    endpoints: (body: unknown): AuditedState => {
      const wanted = textOf(body, 'upstream')
      const met = [...endpoints()].filter(({ upstream }) => upstream === wanted)
      return Object.fromEntries(met.map(({ endpoint, state, upstream }) => [`${upstream} ${endpoint}`, state]))
    },
  }
}

/** Commands are read elsewhere: this one may be anything. */
function textOf(body: unknown, key: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined
}
