import type { AnyFeature } from '../../../core/feature.ts'
import type { Operation } from '../../../core/operation.ts'
import { each, record, ref, said, TEXT } from '../../../schema/shape.ts'
import { HISTORY_QUERY, type LiveFeed } from './feed.ts'
import { type LiveFigures, liveBody } from './figures.ts'
import { liveSchemas } from './live-schemas.ts'

export function liveOperations(
  figures: () => LiveFigures,
  feed: LiveFeed,
  features: readonly AnyFeature[],
): readonly Operation[] {
  const schemas = liveSchemas(features)
  return [
    {
      kind: 'view',
      path: 'live',
      says: {
        id: 'getFigures',
        tag: 'Gateway',
        summary: 'What every route and upstream has counted since the start, and how they are now',
        description: 'Counters only grow: the difference of two answers is what happened in between.',
        answer: { description: 'The figures.', schema: ref('Live') },
        schemas,
      },
      read: () => liveBody(figures(), features),
    },
    {
      kind: 'events',
      path: 'events',
      says: {
        id: 'followGateway',
        tag: 'Gateway',
        summary: 'Rates, states and facts as they change, as server-sent events',
        answer: {
          description:
            'First a `snapshot`, then an `update` per second; another `snapshot` when names came or went, or the reader could not follow.',
          events: { snapshot: ref('LiveSnapshot'), update: ref('LiveUpdate') },
        },
        schemas,
      },
      open: () => feed.begin,
    },
    {
      kind: 'view',
      path: 'events/history',
      takes: { query: HISTORY_QUERY },
      says: {
        id: 'getHistoryOfRates',
        tag: 'Gateway',
        summary: 'The latest 15 minutes of rates and quantiles, a point every 5 s',
        description: 'Of a route, of an upstream, or of all routes together.',
        answer: {
          description: 'The oldest first.',
          schema: record({
            fields: each(TEXT),
            points: said(
              'Milliseconds since the epoch, then values in the order of `fields`; null: no value.',
              each(each({ type: ['number', 'null'] })),
            ),
          }),
        },
      },
      read: (asked) => feed.history(asked),
    },
  ]
}
