import type { Lint, LintUpstream } from '../../config/judge/contract.ts'
import { endpointCount } from '../../config/judge/lints/endpoints.ts'
import type { Finding } from '../../core/lint.ts'
import { outlierDetection } from './feature.ts'

const ejectionImpossible: Lint = {
  name: 'ejection-impossible',
  finds: 'An `outlierDetection` that can never eject an endpoint.',
  why: 'The last usable endpoint is never ejected, and shares are only compared among `minEndpoints` or more: with too few endpoints nothing is ever ejected.',
  remedy:
    'Add endpoints, lower `minEndpoints`, or remove the key; a circuit breaker on the route protects a single endpoint.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    outlierDetection: { consecutiveFailures: 3 }
routes:
  orders:
    match: { path: /orders/* }
    to: orders
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
    outlierDetection: { consecutiveFailures: 3 }
routes:
  orders:
    match: { path: /orders/* }
    to: orders
`,
  run: ({ upstreams, own }) => upstreams.flatMap(inUpstream).filter(({ path }) => own(path)),
}

function inUpstream({ name, options }: LintUpstream): readonly Finding[] {
  const outlier = options.features.of(outlierDetection)
  if (outlier === undefined) return []
  const path = ['upstreams', name, 'outlierDetection']
  const { consecutive5xx, consecutiveFailures, failurePercentage, successRate } = outlier
  if ((consecutive5xx ?? consecutiveFailures ?? failurePercentage ?? successRate) === undefined)
    return [{ path, atKey: true, message: 'never ejects an endpoint: all rules are off' }]
  const count = endpointCount(options)
  if (count === undefined) return []
  // shadow tells what it would do to a single one, too.
  if (count === 1 && outlier.mode === 'enforce')
    return [{ path, atKey: true, message: 'ejects nothing: there is one endpoint, and the last one stays' }]
  return Object.entries({ failurePercentage, successRate }).flatMap(([key, judged]) =>
    judged === undefined || judged.minEndpoints <= count
      ? []
      : [
          {
            path: [...path, key],
            atKey: true,
            message: `ejects nothing: it compares ${judged.minEndpoints} endpoints or more (minEndpoints), and there are ${count}`,
          } as const,
        ],
  )
}

export const lints: readonly Lint[] = [ejectionImpossible]
