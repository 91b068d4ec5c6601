import type { PolicyDefinition } from '../../core/policy.ts'
import { type FieldMap, flatFields } from './fields.ts'

/** Changes to a list of fields: `remove`, then `set` (replaces every line of that name), then `add` (one more line). */
export interface FieldChanges {
  readonly set?: FieldMap | undefined
  readonly add?: FieldMap | undefined
  readonly remove?: readonly string[] | undefined
}

export interface HeadersOptions {
  /** Of what the upstream gets. */
  readonly request?: FieldChanges | undefined
  /** Of every answer, Sluice's own included. */
  readonly response?: FieldChanges | undefined
}

/** Sets, adds and removes header fields, of requests on their way to the upstream and of answers. */
export const headers: PolicyDefinition<HeadersOptions> = {
  name: 'headers',
  stage: 70,
  why: 'What is admitted gets the fields that the upstream will see; answers get theirs on the way out, from any stage.',
  compile(options, { slot, services }) {
    const request = compileChanges(options.request)
    const response = compileChanges(options.response)
    if (request === undefined && response === undefined) return undefined
    return {
      name: 'headers',
      slot,
      ...(request === undefined
        ? {}
        : {
            admit(ex) {
              change(services.forwardHeaders(ex), request)
              return undefined
            },
          }),
      ...(response === undefined
        ? {}
        : {
            respond(ex) {
              if (ex.response !== undefined) change(ex.response.headers, response)
            },
          }),
    }
  },
}

interface CompiledChanges {
  /** Lower-case. */
  readonly dropped: ReadonlySet<string>
  readonly appended: readonly string[]
}

function compileChanges(changes: FieldChanges | undefined): CompiledChanges | undefined {
  const { set = {}, add = {}, remove = [] } = changes ?? {}
  const dropped = new Set([...remove, ...Object.keys(set)].map((name) => name.toLowerCase()))
  const appended = [...flatFields(set), ...flatFields(add)]
  return dropped.size === 0 && appended.length === 0 ? undefined : { dropped, appended }
}

function change(fields: string[], { dropped, appended }: CompiledChanges): void {
  if (dropped.size > 0) {
    let kept = 0
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string
      if (dropped.has(name.toLowerCase())) continue
      fields[kept++] = name
      fields[kept++] = fields[i + 1] as string
    }
    fields.length = kept
  }
  for (let i = 0; i < appended.length; i++) fields.push(appended[i] as string)
}
