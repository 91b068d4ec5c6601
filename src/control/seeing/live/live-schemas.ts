import { BREAKER_SCHEMAS } from '../../../features/circuit-breaker/states.ts'
import {
  byName,
  COUNT,
  constant,
  each,
  FLAG,
  NUMBER,
  orNull,
  record,
  ref,
  SHA256,
  said,
  TEXT,
} from '../../../schema/shape.ts'

const EPOCH = said('Milliseconds since the epoch.', NUMBER)
const CHANGE = { at: EPOCH, from: TEXT, to: TEXT, lasted: said('Milliseconds in the state before.', NUMBER) }

/** What an update may leave out, because it has not changed. */
const SELDOM = {
  instance: record({ gateway: TEXT, host: TEXT, version: TEXT }),
  startedAt: EPOCH,
  generation: COUNT,
  hash: orNull(SHA256, 'no config is live yet'),
  drain: ref('DrainState'),
  links: said('Upstreams that requests of each route may reach.', byName(each(TEXT))),
  routes: byName(ref('LiveRow')),
  upstreams: byName(ref('LiveRow')),
  endpoints: said('By upstream and endpoint, with a space in between.', byName(ref('LiveEndpoint'))),
  breakers: said('By route and upstream, with a space in between.', byName(ref('LiveBreaker'))),
  recoveries: byName(record({ panic: FLAG, count: COUNT, seconds: NUMBER })),
  idleLimits: byName(COUNT),
}
const ALWAYS = {
  at: EPOCH,
  total: said('All routes together.', ref('LiveRow')),
  workers: each(ref('WorkerFigures')),
  events: said('What has changed, the oldest first.', each(ref('LiveEvent'))),
}
const RELOAD = { reload: said('As in `GET /api/v1/config`, without the hash.', { type: 'object' }) }

/** What the dashboard is made of. */
export const LIVE_SCHEMAS = {
  ...BREAKER_SCHEMAS,
  Live: record({
    gateway: TEXT,
    at: EPOCH,
    uptimeMs: COUNT,
    generation: COUNT,
    hash: orNull(SHA256, 'no config is live yet'),
    routes: said('`-`: requests that matched none.', each(ref('RouteFigures'))),
    upstreams: each(ref('UpstreamFigures')),
    breakers: each(ref('Breaker')),
    workers: each(ref('WorkerFigures')),
  }),
  Latency: record({
    count: COUNT,
    sum: said('Seconds, all together.', NUMBER),
    buckets: said(
      'Upper bound in seconds (null: above all of them) and how many fell below it and above the one before; empty ones are left out.',
      each({ type: 'array', items: { type: ['number', 'null'] }, minItems: 2, maxItems: 2 }),
    ),
  }),
  RouteFigures: record({
    name: TEXT,
    requests: COUNT,
    errors: said('Answered with a status from 500 on.', COUNT),
    statuses: said('By class: `2xx`.', byName(COUNT)),
    degraded: COUNT,
    retries: COUNT,
    hedges: COUNT,
    rejected: said('Refused by a policy.', COUNT),
    latency: ref('Latency'),
    inFlight: COUNT,
    queued: COUNT,
    permits: orNull(COUNT, 'no bulkhead'),
    limit: orNull(COUNT, 'no bulkhead'),
    streams: COUNT,
  }),
  UpstreamFigures: record({
    name: TEXT,
    attempts: COUNT,
    failures: COUNT,
    latency: ref('Latency'),
    budgetExhausted: said('Further attempts that the retry budget did not allow.', COUNT),
    recovery: said('How often, and how long it was without a usable endpoint.', ref('Latency')),
    panic: FLAG,
    idleLimitMs: orNull(COUNT, 'it does not end idle connections sooner than we do, as far as is known'),
    endpoints: each(
      record({
        endpoint: TEXT,
        state: ref('EndpointState'),
        inFlight: COUNT,
        connections: COUNT,
        attempts: COUNT,
        failures: COUNT,
      }),
    ),
  }),
  WorkerFigures: record({
    worker: COUNT,
    state: ref('WorkerState'),
    utilization: said('Busy share of its event loop.', NUMBER),
    overload: said('0 calm to 3.', COUNT),
  }),
  LiveRow: said('Values in the order of `fields`; null: nothing to tell.', each({ type: ['number', 'null'] })),
  LiveEndpoint: record({
    upstream: TEXT,
    endpoint: TEXT,
    state: ref('EndpointState'),
    since: EPOCH,
    inFlight: COUNT,
    connections: COUNT,
    attempts: said('A second.', NUMBER),
    failures: said('A second.', NUMBER),
  }),
  LiveBreaker: record({ route: TEXT, upstream: TEXT, state: ref('BreakerState'), since: EPOCH }),
  LiveEvent: {
    oneOf: [
      record({ kind: constant('config'), at: EPOCH, generation: COUNT, hash: TEXT }),
      record({ kind: constant('refused'), at: EPOCH, problem: TEXT }),
      record({ kind: constant('breaker'), ...CHANGE, route: TEXT, upstream: TEXT }),
      record({ kind: constant('endpoint'), ...CHANGE, upstream: TEXT, endpoint: TEXT }),
      record({ kind: constant('worker'), ...CHANGE, worker: COUNT }),
    ],
  },
  LiveSnapshot: record({ ...ALWAYS, ...SELDOM, fields: record({ route: each(TEXT), upstream: each(TEXT) }) }, RELOAD),
  LiveUpdate: said('What is missing has not changed.', record(ALWAYS, { ...SELDOM, ...RELOAD })),
}
