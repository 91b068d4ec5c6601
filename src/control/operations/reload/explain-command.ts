import { BadCommand, readCommand } from '../../../core/command.ts'
import { map, object, oneOrMany, optional, required } from '../../../schema/composites.ts'
import { text } from '../../../schema/scalars.ts'
import { AskedBadly } from '../../../tools/explain/asked.ts'
import { explainRequest } from '../../../tools/explain/explain.ts'
import type { Model } from '../../../tools/explain/model.ts'

/** What {@link explained} reads. */
export const EXPLAIN_QUESTION = object({
  method: required(text('a method such as GET'), 'Of the request.'),
  url: required(text('a URL such as http://api.example.com/orders'), 'Of the request.'),
  headers: optional(map(text('a field name'), oneOrMany(text())), 'Its fields, by name.'),
  from: optional(text('an IP address'), 'Address of the client.'),
})

/** Explains a request on a config. The size of the body and of the config bounds the work. Throws {@link BadCommand}. */
export function explained(model: Model, body: unknown): object {
  const { from, headers, method, url } = readCommand(EXPLAIN_QUESTION, body)
  const fields = [...(headers ?? [])].flatMap(([name, values]) => values.flatMap((value) => [name, value]))
  try {
    return explainRequest(model, { method, url, headers: fields, from })
  } catch (error) {
    if (error instanceof AskedBadly) throw new BadCommand(error.message)
    throw error
  }
}
