import type { FactShapes } from '../../../core/decision.ts'
import type { AnyFeature } from '../../../core/feature.ts'
import type { JsonSchema } from '../../../schema/schema.ts'
import { COUNT, constant, FLAG, NUMBER, orNull, record, said, TEXT } from '../../../schema/shape.ts'

const KINDS: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>> = {
  received: { protocol: TEXT, client: TEXT },
  queued: { waitMs: NUMBER },
  attempt: {
    n: COUNT,
    upstream: TEXT,
    endpoint: TEXT,
    startMs: NUMBER,
    durationMs: NUMBER,
    connectMs: orNull(NUMBER, 'there was no connection'),
    reused: FLAG,
    outcome: said('`ok`, a class of failures, a status from 500 on, or `ignored`.', TEXT),
    status: said('0: no answer.', COUNT),
    reason: orNull(TEXT, 'it did not fail'),
    rule: orNull(TEXT, 'its answer could be parsed'),
    end: TEXT,
  },
  refused: {
    policy: said('That lets no attempt pass there.', TEXT),
    reason: said('Of failures.md.', TEXT),
    upstream: TEXT,
  },
  rerouted: {
    from: said('Name of a route.', TEXT),
    to: said('Name of a route.', TEXT),
    hindrance: orNull(
      TEXT,
      'it goes on there; `loop`: it had that route, or too many others; `body`: its body was not kept; `unknown`: there is no such route',
    ),
  },
  called: {
    feature: said('That made a request for this one.', TEXT),
    what: said('`call`, `stream`, or `fork` of the route.', TEXT),
    to: said('Name of the upstream, of a fork that of the route.', TEXT),
    status: said('0: no answer.', COUNT),
    reason: orNull(TEXT, 'it did not fail'),
    durationMs: NUMBER,
  },
  shed: { reason: TEXT },
  deadline: { reason: TEXT, limitMs: orNull(NUMBER, 'that was not the limit') },
  failed: { reason: TEXT, phase: TEXT, origin: TEXT, rule: orNull(TEXT, 'the reason stands for one rule') },
  fallback: { reason: said('Reason of the failure that it replaced.', TEXT) },
  headers: { status: COUNT },
  ended: { status: COUNT, bytesIn: COUNT, bytesOut: COUNT },
}

/** Something that happened to a request; `kind` says what, and `decision` which of those that features take. */
export function happeningSchema(features: readonly AnyFeature[]): JsonSchema {
  const own = Object.entries(KINDS).map(([kind, fields]) => happening(kind, fields))
  const decided = features
    .flatMap(({ decisions = {} }) => Object.entries(decisions))
    .filter(([, { story }]) => story !== false)
    .map(([name, { doc, facts }]) =>
      said(doc, happening('decided', { decision: constant(name), facts: factsOf(facts) })),
    )
  return {
    description: 'Something that happened to a request. `atMs`: milliseconds since its head was complete.',
    oneOf: [...own, ...decided],
  }
}

function happening(kind: string, fields: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return record({ kind: constant(kind), atMs: NUMBER, text: said('What an operator reads.', TEXT), ...fields })
}

function factsOf(facts: FactShapes): JsonSchema {
  return record(
    Object.fromEntries(Object.entries(facts).map(([name, { doc, type }]) => [name, { type, description: doc }])),
  )
}
