import type { AnyFeature } from '../../core/feature.ts'
import type { Operation } from '../../core/operation.ts'
import { SINCE, schemaName, stateSchemas, WHY } from '../../core/state-table.ts'
import { STORE_NAMES } from '../../core/store.ts'
import { COUNT, choice, each, FLAG, NUMBER, orNull, record, ref, said, TEXT } from '../../schema/shape.ts'
import type { StoreFacts } from '../../stores/stores.ts'
import { type BoundListener, type DrainState, STATE_SCHEMAS, type WorkerFacts } from '../contract.ts'
import type { EndpointBook } from '../endpoints/book.ts'
import type { AbsentDrain } from '../endpoints/drains.ts'
import { endpointState } from '../endpoints/state.ts'
import type { CellRegistry } from '../registry/registry.ts'
import {
  LASTING,
  LASTING_SCHEMAS,
  type Lasting,
  listsOf,
  type StateFacts,
  shapesOf,
  sinceOf,
  tablesOf,
} from '../workers/lasting.ts'
import type { Notices } from '../workers/notices.ts'
import { ABSENT_DRAINS } from './endpoint-operations.ts'
import { CONFIG_FACTS } from './reload/config-schemas.ts'

/** What `/api/v1/status` is made of. */
export interface StatusSources {
  readonly version: string
  readonly gateway: string
  readonly uptimeMs: number
  readonly generation: number
  readonly config: Readonly<Record<string, unknown>> & { readonly hash: string }
  readonly drain: DrainState
  readonly workers: readonly WorkerFacts[]
  readonly listeners: readonly BoundListener[]
  readonly stores: readonly StoreFacts[]
  readonly absentDrains: readonly AbsentDrain[]
  readonly book: EndpointBook
  readonly registry: CellRegistry
  readonly notices: Pick<Notices, 'idleLimit'>
  readonly states: readonly StateFacts[]
  readonly why: Lasting['endpoint']
}

/**
 * The body of `/api/v1/status`: identity, what runs, and the state of every endpoint. For operators: it contains addresses.
 */
export function statusBody(
  { book, notices, registry, states, why, workers, ...rest }: StatusSources,
  features: readonly AnyFeature[],
) {
  return {
    ...rest,
    lasting: shapesOf(tablesOf(features)),
    ...listsOf(features, states),
    workers: workers.map(({ heartbeatAge, ...worker }) => ({ ...worker, heartbeatAgeMs: heartbeatAge ?? null })),
    upstreams: Array.from(book.upstreams, ({ config, set }) => ({
      name: config.name,
      algorithm: config.algorithm,
      keepAliveMs: config.connections.keepAlive,
      idleLimitMs: notices.idleLimit(config) ?? null,
      endpoints: set.endpoints.map(({ id, host, address, port, weight, tier, zone, cells }) => {
        const state = endpointState(registry, cells)
        const { since, text } = why(config.name, id, state)
        return {
          id,
          host,
          address,
          port,
          weight,
          tier,
          zone: zone ?? null,
          state,
          text,
          ...sinceOf(since),
          inFlight: registry.sum(cells.inFlight),
          connections: registry.sum(cells.connections),
        }
      }),
    })),
  }
}

export type Status = ReturnType<typeof statusBody>

const ADDRESS = { host: TEXT, port: COUNT }

const STATUS = {
  version: TEXT,
  gateway: said('`gateway.name`.', TEXT),
  uptimeMs: COUNT,
  generation: said('Counts the configs that were live since the start.', COUNT),
  config: ref('ConfigFacts'),
  ...LASTING,
  drain: ref('DrainState'),
  workers: each(ref('Worker')),
  listeners: each(record({ name: TEXT, ...ADDRESS })),
  stores: each(ref('StoreFacts')),
  absentDrains: ABSENT_DRAINS,
  upstreams: each(
    record({
      name: TEXT,
      algorithm: TEXT,
      keepAliveMs: COUNT,
      idleLimitMs: orNull(COUNT, 'unknown, or not shorter than connections.keepAlive'),
      endpoints: each(
        record(
          {
            id: said('Scheme, address and port.', TEXT),
            ...ADDRESS,
            address: TEXT,
            weight: COUNT,
            tier: COUNT,
            zone: orNull(TEXT, 'none is configured'),
            state: ref('EndpointState'),
            text: WHY,
            inFlight: COUNT,
            connections: COUNT,
          },
          { since: SINCE },
        ),
      ),
    }),
  ),
}

const SCHEMAS = {
  ...STATE_SCHEMAS,
  ...CONFIG_FACTS,
  ...LASTING_SCHEMAS,
  StoreFacts: record({
    name: said('`state`: what outlives the process; `memory`: what does not.', choice(...STORE_NAMES)),
    engine: choice('sqlite', 'memory'),
    durable: said('False of `state`: its file cannot be opened, what it keeps ends with the process.', FLAG),
    up: said('False: it is unavailable for now.', FLAG),
    bytes: COUNT,
  }),
  Worker: record({
    worker: COUNT,
    state: ref('WorkerState'),
    restarts: COUNT,
    generation: said('Of the config that it serves; 0: none yet.', COUNT),
    heartbeatAgeMs: orNull(NUMBER, 'there is no thread'),
  }),
}

export function statusOperations(sources: () => StatusSources, features: readonly AnyFeature[]): readonly Operation[] {
  const tables = tablesOf(features)
  const lists = tables.map(({ kind, list }) => [list, each(ref(schemaName(kind)))])
  return [
    {
      kind: 'view',
      path: 'status',
      says: {
        id: 'getStatus',
        tag: 'Gateway',
        summary: 'What runs: workers, listeners, every endpoint with its state, what lasts, and the live config',
        answer: { description: 'The status.', schema: ref('Status') },
        schemas: {
          ...SCHEMAS,
          ...Object.assign({}, ...tables.map(stateSchemas)),
          Status: record({ ...STATUS, ...Object.fromEntries(lists) }),
        },
      },
      read: () => statusBody(sources(), features),
    },
  ]
}
