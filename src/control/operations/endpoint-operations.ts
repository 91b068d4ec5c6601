import { memberOf } from '../../core/command.ts'
import { DURABLE } from '../../core/kept.ts'
import type { Description, Operation } from '../../core/operation.ts'
import type { JsonSchema } from '../../schema/schema.ts'
import { COUNT, each, orNull, record, ref, TEXT, TIME } from '../../schema/shape.ts'
import { STATE_SCHEMAS } from '../contract.ts'
import { DRAIN_COMMAND, type EndpointDrains } from '../endpoints/drains.ts'

const ORDER = { since: TIME, by: orNull(TEXT, 'unknown') }

/** Drains of endpoints that are away. */
export const ABSENT_DRAINS: JsonSchema = {
  ...each(record({ upstream: TEXT, endpoint: TEXT, ...ORDER })),
  description: 'Drains of endpoints that their upstream does not have now: they hold as soon as these are back.',
}

const SCHEMAS = {
  ...STATE_SCHEMAS,
  Drain: record(ORDER),
  Endpoint: record({
    upstream: TEXT,
    endpoint: TEXT,
    host: TEXT,
    state: ref('EndpointState'),
    inFlight: COUNT,
    connections: COUNT,
    drain: orNull(ref('Drain'), 'no operator has drained it'),
  }),
}

/** Endpoints: seen, drained and taken back in. */
export function endpointOperations(drains: EndpointDrains): readonly Operation[] {
  const says = (description: string, fields: Readonly<Record<string, JsonSchema>>) =>
    ({
      tag: 'Traffic',
      answer: { description, schema: record({ endpoints: each(ref('Endpoint')), ...fields }) },
      schemas: SCHEMAS,
    }) satisfies Partial<Description>
  return [
    {
      kind: 'view',
      path: 'endpoints',
      says: {
        id: 'listEndpoints',
        summary: 'Every endpoint, with its state, requests in flight and connections',
        ...says('All endpoints of all upstreams.', { absent: ABSENT_DRAINS }),
      },
      read: () => ({ endpoints: [...drains.all()], absent: drains.absent }),
    },
    {
      kind: 'command',
      path: 'endpoints',
      takes: { body: DRAIN_COMMAND },
      says: {
        id: 'drainEndpoint',
        summary: 'Drains an endpoint, or takes it back in',
        ...says('Those that were met, as they are now.', { durable: DURABLE }),
        refusals: { unavailable: { description: 'Too many are drained already (`refused`).' } },
      },
      run: (body, { who }) => drains.set(body, who),
      changes: (body) => {
        const wanted = memberOf(body, 'upstream')
        const met = [...drains.all()].filter(({ upstream }) => upstream === wanted)
        return Object.fromEntries(met.map(({ endpoint, state, upstream }) => [`${upstream} ${endpoint}`, state]))
      },
    },
  ]
}
