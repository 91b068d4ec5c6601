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
  breaker: { upstream: TEXT, state: constant('open') },
  bulkhead: { upstream: TEXT },
  decided: {
    decision: said('Name of the decision, see the pages of the features.', TEXT),
    facts: said('Facts of the decision.', {
      type: 'object',
      additionalProperties: { type: ['string', 'number', 'boolean'] },
    }),
    text: said('The decision in one sentence.', TEXT),
  },
  shed: { reason: TEXT },
  deadline: { reason: TEXT, limitMs: orNull(NUMBER, 'that was not the limit') },
  failed: { reason: TEXT, phase: TEXT, origin: TEXT, rule: orNull(TEXT, 'the reason stands for one rule') },
  fallback: { reason: said('Reason of the failure that it replaced.', TEXT) },
  headers: { status: COUNT },
  ended: { status: COUNT, bytesIn: COUNT, bytesOut: COUNT },
}

/** Something that happened to a request; `kind` says what. */
export const HAPPENING: JsonSchema = {
  description: 'Something that happened to a request. `atMs`: milliseconds since its head was complete.',
  oneOf: Object.entries(KINDS).map(([kind, fields]) => record({ kind: constant(kind), atMs: NUMBER, ...fields })),
}
