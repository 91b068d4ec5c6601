import { byName, COUNT, choice, each, FLAG, NUMBER, record, ref, said, TEXT } from '../../../schema/shape.ts'
import { CONFIG_SCHEMAS } from './config-schemas.ts'

const FIELDS = said(
  'Header fields, `[name, value]` each.',
  each({ type: 'array', items: TEXT, minItems: 2, maxItems: 2 }),
)

const ENDPOINT = record({ url: TEXT, weight: COUNT, tier: COUNT }, { zone: TEXT, maxConcurrent: COUNT })

/** What an explanation holds. */
export const EXPLANATION_SCHEMAS = {
  ...CONFIG_SCHEMAS,
  Explanation: record(
    {
      version: said('Keys may be added; none is removed or changes its meaning.', { const: 1 }),
      request: said(
        'As understood.',
        record({
          method: TEXT,
          host: TEXT,
          path: TEXT,
          query: TEXT,
          headers: FIELDS,
          client: TEXT,
          trusted: said('It comes from one of `trust.proxies`.', FLAG),
        }),
      ),
      policies: said('In the order in which they act.', each(ref('Policy'))),
      upstreams: each(ref('ReachedUpstream')),
      nearMisses: said('Routes that did not get it, the nearest first.', each(ref('NearMiss'))),
    },
    {
      route: said(
        'Route that gets the request; missing if none does.',
        record({ name: TEXT, at: ref('Position'), params: byName(TEXT) }),
      ),
      answer: said(
        'What Sluice answers itself; missing if an upstream answers.',
        record(
          { headers: FIELDS },
          { status: said('Missing: known when the request comes.', COUNT), reason: TEXT, detail: TEXT },
        ),
      ),
      forward: said(
        'What the upstream gets.',
        record(
          { method: TEXT, target: TEXT, added: FIELDS, removed: each(TEXT) },
          { host: said('Missing: the endpoint’s own.', TEXT) },
        ),
      ),
    },
  ),
  ReachedUpstream: record(
    {
      name: TEXT,
      role: choice('target', 'failover'),
      share: said('Part of the route’s requests that go there first.', NUMBER),
      algorithm: TEXT,
      endpoints: each(ENDPOINT),
      at: ref('Position'),
    },
    { discovered: said('Where its endpoints are found.', TEXT) },
  ),
  NearMiss: record({
    route: TEXT,
    failed: choice('host', 'path', 'listener', 'method', 'header', 'query', 'outranked'),
    wanted: TEXT,
    seen: TEXT,
    at: ref('Position'),
  }),
}
