import type { Takes } from '../../../core/operation.ts'
import type { JsonSchema } from '../../../schema/schema.ts'

const DRY_RUN = {
  name: 'dryRun',
  in: 'query',
  description: '`true`: nothing is done; the answer says what would happen.',
  schema: { enum: ['true', 'false'], default: 'false' },
}

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  description: 'Hash of the config that the caller expects to be live; 412 if another one is.',
  schema: { type: 'string' },
}

/** Of the path, the query and the header. */
export function parametersOf({ dryRun, expects, query }: Takes, inPath: Readonly<Record<string, string>>): object[] {
  return [
    ...Object.entries(inPath).map(([name, description]) => ({
      name,
      in: 'path',
      required: true,
      description,
      schema: { type: 'string' },
    })),
    ...(query === undefined ? [] : inQuery(query.json)),
    ...(dryRun === true ? [DRY_RUN] : []),
    ...(expects === true ? [IF_MATCH] : []),
  ]
}

/** A command always has a body; `{}` for one without values. */
export function bodyOf({ body }: Takes): object {
  const schema = body === undefined ? { type: 'object', maxProperties: 0 } : plain(body.json)
  return { required: true, content: { 'application/json': { schema } } }
}

function inQuery(json: JsonSchema): object[] {
  const { properties, required = [] } = plain(json) as {
    readonly properties: Readonly<Record<string, JsonSchema>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    description,
    required: required.includes(name),
    schema,
  }))
}

/** Text of a config may be written as a number or a boolean; the API describes it as text only. */
function plain(value: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(value).replaceAll('"type":["string","number","boolean"]', '"type":"string"'))
}
