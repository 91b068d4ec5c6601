import type { Exchange } from '../../core/exchange.ts'
import type { Refusal } from '../../core/verdict.ts'
import { PathTemplate, templateNames } from '../../lib/template.ts'
import { mapped, object, optional } from '../../schema/composites.ts'
import type { Infer } from '../../schema/schema.ts'
import type { ShapingContext, ShapingPolicy } from './definition.ts'
import { PrefixReplacement } from './paths.ts'
import { host, path, prefixSchema, template } from './schemas.ts'

const WAYS = ['stripPrefix', 'replacePrefix', 'path'] as const

const keys = object({
  stripPrefix: optional(path(), 'Prefix to remove from the path, in whole segments.'),
  replacePrefix: optional(prefixSchema, 'Prefix of the path to replace by another one.'),
  path: optional(template(), 'The new path; {name} stands for a parameter of the route.'),
  host: optional(
    host(),
    'Host for the upstream: preserve (as the client sent it), upstream (the endpoint’s own), or a literal.',
  ),
})

/** At most one of the three ways to change the path. Paths are in normal form. */
export type RewriteOptions = Partial<Infer<typeof keys>>

/** The new path, undefined: it stays; or why the request is refused. */
type PathRewrite = (ex: Exchange) => string | undefined | Refusal

/**
 * What the upstream sees as target and Host. Works on the normal form of the path; the query stays byte for byte. A path
 * that the rule does not speak of goes on as it came.
 */
export const rewrite: ShapingPolicy<RewriteOptions> = {
  name: 'rewrite',
  stage: 70,
  why: 'The route matched on what the client sent; only what is admitted is worth rewriting.',
  doc: 'What the upstream sees as path and Host.',
  answers: false,
  schema: mapped(keys, (options, refuse) => {
    const given = WAYS.filter((way) => options[way] !== undefined)
    return given.length > 1 ? refuse(`only one of ${given.join(' and ')} can decide the path`) : options
  }),
  params: (options) => (options.path === undefined ? [] : templateNames(options.path)),
  compile(options, context) {
    const rewritten = pathRewrite(options, context)
    const { host: to = 'preserve' } = options
    const stripped = strippedPrefix(options)
    if (rewritten === undefined && to === 'preserve') return undefined
    const authority = to === 'upstream' ? undefined : to
    return {
      name: 'rewrite',
      slot: context.slot,
      admit(ex) {
        const newPath = rewritten?.(ex)
        if (typeof newPath === 'object') return newPath
        if (newPath !== undefined) ex.forwardTarget = newPath + ex.query
        if (newPath !== undefined && stripped !== '') tellPrefix(context.services.forwardHeaders(ex), stripped)
        if (to !== 'preserve') ex.forwardAuthority = authority
        return undefined
      },
    }
  },
}

function pathRewrite(options: RewriteOptions, { paramNames }: ShapingContext): PathRewrite | undefined {
  if (options.path !== undefined) {
    const template = new PathTemplate(options.path, paramNames)
    return (ex) => template.expand(ex.params ?? NO_PARAMS)
  }
  const prefix = options.stripPrefix === undefined ? options.replacePrefix : { from: options.stripPrefix, to: '' }
  if (prefix === undefined) return undefined
  const replacement = new PrefixReplacement(prefix.from, prefix.to)
  return (ex) => {
    const refusal = ex.readings === undefined ? undefined : replacement.refusal(ex.path, ex.readings)
    return refusal ?? replacement.apply(ex.path)
  }
}

/** What no longer stands in front of the path, so that the upstream can write links that lead back here; empty: nothing. */
function strippedPrefix({ stripPrefix, replacePrefix }: RewriteOptions): string {
  const prefix = stripPrefix ?? (replacePrefix?.to === '/' ? replacePrefix.from : '')
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
}

/** Behind what a trusted peer has stripped. */
function tellPrefix(headers: string[], stripped: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== PREFIX) continue
    const outer = headers[i + 1] as string
    headers[i + 1] = (outer.endsWith('/') ? outer.slice(0, -1) : outer) + stripped
    return
  }
  headers.push(PREFIX, stripped)
}

const PREFIX = 'x-forwarded-prefix'
const NO_PARAMS: readonly string[] = []
