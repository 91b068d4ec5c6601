import type { Description } from '../../../core/operation.ts'
import type { JsonSchema } from '../../../schema/schema.ts'
import { COUNT, record, ref, said } from '../../../schema/shape.ts'
import { REFUSAL_STATUS } from '../contract.ts'
import { refusal, refusedWith } from './errors.ts'

/** A media type of an answer. `x-events`: the data of server-sent events, by their name. */
interface Content {
  readonly schema: JsonSchema
  readonly 'x-events'?: Readonly<Record<string, JsonSchema>>
}

export interface Response {
  readonly description: string
  readonly content: Readonly<Record<string, Content>>
}

/** A {@link Description} with its answers by status. */
export interface RouteDescription extends Omit<Description, 'answer' | 'refusals'> {
  readonly answer: Response
  /** Other answers than the one with 200 and those that all routes share, by status. */
  readonly others: Readonly<Record<number, Response>>
}

const TOO_MANY = refusal('The maximum number of event streams is open (`refused`).')
const LOST = said('Number of events lost before this one, because the reader was too slow.', record({ count: COUNT }))

/** What the document says of the route of an operation. */
export function ofOperation({ answer, refusals = {}, schemas = {}, ...rest }: Description): RouteDescription {
  const others: Record<number, Response> = {}
  const named: Record<string, JsonSchema> = { ...schemas }
  for (const [why, { description, details }] of Object.entries(refusals)) {
    if (details !== undefined) named[details.name] = refusedWith(details.fields)
    others[REFUSAL_STATUS[why as keyof typeof refusals]] = refusal(description, details && ref(details.name))
  }
  if ('schema' in answer) return { ...rest, schemas: named, answer: json(answer.description, answer.schema), others }
  const events = { ...answer.events, lost: ref('Lost'), end: { type: 'object' } }
  return {
    ...rest,
    schemas: { ...named, Lost: LOST },
    answer: {
      description: answer.description,
      content: { 'text/event-stream': { schema: { type: 'string' }, 'x-events': events } },
    },
    others: { 503: TOO_MANY, ...others },
  }
}

export function json(description: string, schema: JsonSchema): Response {
  return { description, content: { 'application/json': { schema } } }
}
