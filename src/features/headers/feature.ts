import type { Exchange } from '../../core/exchange.ts'
import type { PureFeature } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import { compileFields } from '../../http/fields.ts'
import { fieldName, fields } from '../../http/schemas.ts'
import { type CompiledText, REQUEST_VALUES } from '../../http/template.ts'
import { removeFields } from '../../lib/headers.ts'
import { list, object, optional } from '../../schema/composites.ts'
import type { Infer } from '../../schema/schema.ts'

const changes = object(
  {
    set: optional(fields(REQUEST_VALUES), 'Fields to set. They replace all lines of the same name.'),
    add: optional(fields(REQUEST_VALUES), 'Fields to add to those that are present.'),
    remove: optional(list(fieldName()), 'Fields to remove.'),
  },
  { misplaced: { append: 'add', replace: 'set', delete: 'remove' } },
)

const keys = object(
  {
    request: optional(changes, 'Changes to the request that the upstream gets.'),
    response: optional(changes, 'Changes to every answer, Sluice’s own included.'),
  },
  { misplaced: { set: 'request.set', add: 'request.add', remove: 'request.remove' } },
)

/** Changes to a list of fields: `remove`, then `set` (replaces every line of that name), then `add` (one more line). */
export type FieldChanges = Partial<Infer<typeof changes>>

export interface HeadersOptions {
  readonly request?: FieldChanges | undefined
  readonly response?: FieldChanges | undefined
}

/** Sets, adds and removes header fields, of requests on their way to the upstream and of answers. */
export const headers: PureFeature<HeadersOptions> = {
  name: 'headers',
  doc: 'Sets, adds or removes header fields of requests and answers.',
  pure: true,
  keys: { route: keys },
  places: {
    fields: {
      stage: 71,
      why: 'What is admitted gets the fields that the upstream will see; answers get theirs on the way out, from any stage.',
    },
  },
  requestFields: ({ request: { set = {}, add = {}, remove = [] } = {} }) => [
    ...Object.keys(set),
    ...Object.keys(add),
    ...remove,
  ],
  compile(options, { feature: name, paramNames, services }) {
    const request = compileChanges(options.request, paramNames)
    const response = compileChanges(options.response, paramNames)
    if (request === undefined && response === undefined) return undefined
    const fields: Policy = {
      name,
      ...(request === undefined
        ? {}
        : {
            admit(ex) {
              change(services.forwardHeaders(ex), request, ex)
              return undefined
            },
          }),
      ...(response === undefined
        ? {}
        : {
            respond(ex) {
              if (ex.response !== undefined) change(ex.response.headers, response, ex)
            },
          }),
    }
    return { fields }
  },
}

interface CompiledChanges {
  /** Lower-case. */
  readonly dropped: ReadonlySet<string>
  readonly appended: readonly CompiledText[]
}

function compileChanges(wanted: FieldChanges | undefined, paramNames: readonly string[]): CompiledChanges | undefined {
  const { set = {}, add = {}, remove = [] } = wanted ?? {}
  const dropped = new Set([...remove, ...Object.keys(set)].map((name) => name.toLowerCase()))
  const context = { values: REQUEST_VALUES, paramNames }
  const appended = [...compileFields(set, context), ...compileFields(add, context)]
  return dropped.size === 0 && appended.length === 0 ? undefined : { dropped, appended }
}

function change(lines: string[], { dropped, appended }: CompiledChanges, ex: Exchange): void {
  if (dropped.size > 0) removeFields(lines, dropped)
  for (let i = 0; i < appended.length; i++) {
    const text = appended[i] as CompiledText
    lines.push(typeof text === 'string' ? text : text(ex))
  }
}
