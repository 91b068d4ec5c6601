import { AskedBadly } from '../../explain/asked.ts'
import { explain } from '../../explain/explain.ts'
import { Model, type Written } from '../../explain/model.ts'
import { map, object, oneOrMany, optional, required } from '../../schema/composites.ts'
import { text } from '../../schema/scalars.ts'
import { BadCommand, type Command, readCommand, taking } from '../admin/command.ts'

const question = object({
  method: required(text('a method such as GET'), 'Of the request.'),
  url: required(text('a URL such as http://api.example.com/orders'), 'Of the request.'),
  headers: optional(map(text('a field name'), oneOrMany(text())), 'Its fields, by name.'),
  from: optional(text('an IP address'), 'Where it comes from.'),
})

/** Explains requests on the config that is live. What it takes is bounded by the size of the body and of the config. */
export function explainCommand(live: () => Written): Command {
  let made: { readonly of: Written; readonly model: Model } | undefined
  return taking({ body: question }, async (body) => {
    const { from, headers, method, url } = readCommand(question, body)
    const written = live()
    if (made?.of !== written) made = { of: written, model: new Model(written) }
    const fields = [...(headers ?? [])].flatMap(([name, values]) => values.flatMap((value) => [name, value]))
    try {
      return explain(made.model, { method, url, headers: fields, from })
    } catch (error) {
      if (error instanceof AskedBadly) throw new BadCommand(error.message)
      throw error
    }
  })
}
