import type { AnyFeature } from '../../../core/feature.ts'
import { type ShownStates, schemaName, stateFields, stateSchemas, WHY } from '../../../core/state-table.ts'
import type { JsonSchema } from '../../../schema/schema.ts'
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
import { LASTING, LASTING_SCHEMAS, tablesOf } from '../../workers/lasting.ts'

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

const LIVE = {
  gateway: TEXT,
  at: EPOCH,
  uptimeMs: COUNT,
  generation: COUNT,
  hash: orNull(SHA256, 'no config is live yet'),
  routes: said('`-`: requests that matched none.', each(ref('RouteFigures'))),
  upstreams: each(ref('UpstreamFigures')),
  workers: each(ref('WorkerFigures')),
}
const EVENTS = [
  record({ kind: constant('config'), at: EPOCH, generation: COUNT, hash: TEXT }),
  record({ kind: constant('refused'), at: EPOCH, problem: TEXT }),
  record({ kind: constant('endpoint'), ...CHANGE, upstream: TEXT, endpoint: TEXT, text: WHY }),
  record({ kind: constant('worker'), ...CHANGE, worker: COUNT }),
]

const SCHEMAS = {
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
    streams: said('Open streams, tunnels among them.', COUNT),
    tunnels: said('Open tunnels, WebSockets among them.', COUNT),
    reconnecting: orNull(COUNT, 'no managed WebSockets'),
  }),
  UpstreamFigures: record({
    name: TEXT,
    attempts: COUNT,
    failures: COUNT,
    latency: ref('Latency'),
    budgetExhausted: said('Further attempts that the retry budget did not allow.', COUNT),
    recovery: said('How often, and how long it was without a usable endpoint.', ref('Latency')),
    panic: FLAG,
    idleLimitMs: orNull(COUNT, 'unknown, or not shorter than connections.keepAlive'),
    endpoints: each(
      record({
        endpoint: TEXT,
        state: ref('EndpointState'),
        text: WHY,
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
  LiveRow: said('Values in the order of `fields`; null: no value.', each({ type: ['number', 'null'] })),
  LiveEndpoint: record({
    upstream: TEXT,
    endpoint: TEXT,
    state: ref('EndpointState'),
    text: WHY,
    since: EPOCH,
    inFlight: COUNT,
    connections: COUNT,
    attempts: said('A second.', NUMBER),
    failures: said('A second.', NUMBER),
  }),
  ...LASTING_SCHEMAS,
}

/** What the dashboard is made of, with what lasts of the features. */
export function liveSchemas(features: readonly AnyFeature[]): Readonly<Record<string, JsonSchema>> {
  const tables = tablesOf(features)
  const byList = <T>(of: (table: ShownStates) => T): Readonly<Record<string, T>> =>
    Object.fromEntries(tables.map((table) => [table.list, of(table)]))
  const seldom = {
    ...SELDOM,
    ...byList(({ kind, labels }) =>
      said(`By ${labels.join(' and ')}, with a space in between.`, byName(ref(`Live${schemaName(kind)}`))),
    ),
  }
  return {
    ...SCHEMAS,
    ...Object.assign({}, ...tables.map(stateSchemas)),
    ...Object.fromEntries(
      tables.map((table) => [`Live${schemaName(table.kind)}`, record({ ...stateFields(table), since: EPOCH })]),
    ),
    Live: record({ ...LIVE, ...LASTING, ...byList(({ kind }) => each(ref(schemaName(kind)))) }),
    LiveEvent: { oneOf: [...EVENTS, ...tables.map(changeOf)] },
    LiveSnapshot: record(
      {
        ...ALWAYS,
        ...seldom,
        fields: record({ route: each(TEXT), upstream: each(TEXT) }),
        ...LASTING,
      },
      RELOAD,
    ),
    LiveUpdate: said('What is missing has not changed.', record(ALWAYS, { ...seldom, ...RELOAD })),
  }
}

function changeOf(table: ShownStates): JsonSchema {
  const { state: _, ...told } = stateFields(table)
  return record({ kind: constant(table.kind), ...CHANGE, ...told })
}
