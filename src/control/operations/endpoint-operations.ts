import { memberOf } from '../../core/command.ts'
import type { Description, Operation } from '../../core/operation.ts'
import { COUNT, each, record, ref, TEXT } from '../../schema/shape.ts'
import { STATE_SCHEMAS } from '../contract.ts'
import { DRAIN_COMMAND, type EndpointDrains } from '../endpoints/drains.ts'

const SCHEMAS = {
  ...STATE_SCHEMAS,
  Endpoint: record({
    upstream: TEXT,
    endpoint: TEXT,
    host: TEXT,
    state: ref('EndpointState'),
    inFlight: COUNT,
    connections: COUNT,
  }),
}

/** Endpoints: seen, drained and taken back in. */
export function endpointOperations(drains: EndpointDrains): readonly Operation[] {
  const said = (description: string): Pick<Description, 'tag' | 'answer' | 'schemas'> => ({
    tag: 'Traffic',
    answer: { description, schema: record({ endpoints: each(ref('Endpoint')) }) },
    schemas: SCHEMAS,
  })
  return [
    {
      kind: 'view',
      path: 'endpoints',
      says: {
        id: 'listEndpoints',
        summary: 'Every endpoint, with its state, requests in flight and connections',
        ...said('All endpoints of all upstreams.'),
      },
      read: () => ({ endpoints: [...drains.all()] }),
    },
    {
      kind: 'command',
      path: 'endpoints',
      takes: { body: DRAIN_COMMAND },
      says: {
        id: 'drainEndpoint',
        summary: 'Drains an endpoint, or takes it back in',
        ...said('Those that were met, as they are now.'),
      },
      run: async (body) => ({ endpoints: drains.set(body) }),
      changes: (body) => {
        const wanted = memberOf(body, 'upstream')
        const met = [...drains.all()].filter(({ upstream }) => upstream === wanted)
        return Object.fromEntries(met.map(({ endpoint, state, upstream }) => [`${upstream} ${endpoint}`, state]))
      },
    },
  ]
}
