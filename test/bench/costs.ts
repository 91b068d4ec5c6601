import type { Peer } from './contract.ts'
import { bare } from './peers/node.ts'
import { sluice, sluicePeer } from './peers/sluice.ts'
import type { Stage } from './without.ts'

/** Route options by what they make a request pay for. Their switch-off is leaving them out, or `off`. */
const POLICIES: Readonly<Record<string, { readonly on: string; readonly off?: string }>> = {
  'request headers': { on: '  request: { set: { x-gateway: bench }, remove: [x-debug] }' },
  'response headers': { on: '  response: { set: { x-served-by: bench }, remove: [server] }' },
  rewrite: { on: 'rewrite: { replacePrefix: { from: /, to: / } }' },
  timeouts: {
    on: 'timeouts: { attempt: 10s, total: 10m }',
    off: 'timeouts: { request: off, attempt: off, idle: off, stream: off, total: off, minRate: off }',
  },
  retries: { on: 'retries: { maxExtra: 2 }', off: 'retries: off' },
  bulkhead: { on: 'bulkhead: { maxConcurrent: 150, queue: { size: 100 } }', off: 'bulkhead: off' },
  'circuit breaker': { on: 'circuitBreaker: {}', off: 'circuitBreaker: off' },
  fallback: { on: 'fallback: { body: later }' },
}

/** The same of upstreams. */
const UPSTREAM_POLICIES: typeof POLICIES = {
  'outlier detection': {
    on: 'outlierDetection: { consecutive5xx: 10, failurePercentage: {} }',
    off: 'outlierDetection: off',
  },
  'retry budget': { on: 'retryBudget: {}', off: 'retryBudget: off' },
  'bulkhead of the upstream': { on: 'bulkhead: { maxConcurrent: 200 }', off: 'bulkhead: off' },
}

const STAGES: readonly Stage[] = [
  'access log',
  'metrics',
  'log and metrics',
  'correlation and trace',
  'forwarded fields',
  'route look-up',
]

const ALL = 'all on'

/** All on; then one off at a time; the defaults; bare. */
export const costPeers: readonly Peer[] = [
  sluicePeer({
    name: ALL,
    about: 'every policy of this version, access log on, one worker',
    route: routeLines(),
    upstream: upstreamLines(),
  }),
  ...Object.keys(POLICIES).map((policy) =>
    sluicePeer({
      name: `without ${policy}`,
      about: `${ALL} but ${policy}, by config`,
      route: routeLines(policy),
      upstream: upstreamLines(),
    }),
  ),
  ...Object.keys(UPSTREAM_POLICIES).map((policy) =>
    sluicePeer({
      name: `without ${policy}`,
      about: `${ALL} but ${policy}, by config`,
      route: routeLines(),
      upstream: upstreamLines(policy),
    }),
  ),
  ...STAGES.map((stage) =>
    sluicePeer({
      name: `without ${stage}`,
      about: `${ALL} but ${stage}, cut out by the bench: no config does that`,
      route: routeLines(),
      upstream: upstreamLines(),
      without: stage,
    }),
  ),
  { ...sluice, name: 'defaults' },
  bare,
]

export const UNSEEN = 'nothing seen'
export const LOG_AND_METRICS = 'log and metrics'
export const TRACES = 'and traces of 1%'

/** All defaults: nothing that shows what happens; log and metrics, alone and together; traces besides. */
export const seeingPeers: readonly Peer[] = [
  sluicePeer({
    name: UNSEEN,
    about: 'all defaults, log and metrics cut out by the bench: no config does that',
    without: 'log and metrics',
  }),
  sluicePeer({ name: 'only metrics', about: 'all defaults, the access log cut out', without: 'access log' }),
  sluicePeer({ name: 'only log', about: 'all defaults, the metrics cut out', without: 'metrics' }),
  { ...sluice, name: LOG_AND_METRICS },
  ...['1%', '100%'].map((traces) =>
    sluicePeer({
      name: `and traces of ${traces}`,
      about: `all defaults, ${traces} of the requests sent as spans, failed ones always`,
      traces,
    }),
  ),
]

/** Lines of a route with every policy on but `without`. */
export function routeLines(without?: string): string[] {
  const lines = linesOf(POLICIES, without)
  const nested = lines.filter((line) => line.startsWith(' '))
  return [...(nested.length === 0 ? [] : ['headers:', ...nested]), ...lines.filter((line) => !line.startsWith(' '))]
}

/** The same of an upstream. */
export function upstreamLines(without?: string): string[] {
  return linesOf(UPSTREAM_POLICIES, without)
}

function linesOf(policies: typeof POLICIES, without: string | undefined): string[] {
  return Object.entries(policies).flatMap(([policy, { on, off }]) => {
    if (policy !== without) return [on]
    return off === undefined ? [] : [off]
  })
}
