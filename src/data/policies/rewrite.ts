import type { Exchange } from '../../core/exchange.ts'
import type { PolicyContext, PolicyDefinition } from '../../core/policy.ts'
import { PathTemplate } from '../../lib/template.ts'
import { PrefixReplacement } from './paths.ts'

/** At most one of the three ways to change the path. Paths are in normal form. */
export interface RewriteOptions {
  /** Removed from the front of the path, in whole segments. */
  readonly stripPrefix?: string | undefined
  readonly replacePrefix?: { readonly from: string; readonly to: string } | undefined
  /** The new path; `{name}` stands for a parameter of the route. */
  readonly path?: string | undefined
  /** Host for the upstream: as the client sent it, the endpoint's own, or this one. */
  readonly host?: 'preserve' | 'upstream' | string | undefined
}

/** undefined: the path stays. */
type PathRewrite = (ex: Exchange) => string | undefined

/**
 * What the upstream sees as target and Host. Works on the normal form of the path; the query stays byte for byte. A path
 * that the rule does not speak of goes on as it came.
 */
export const rewrite: PolicyDefinition<RewriteOptions> = {
  name: 'rewrite',
  stage: 70,
  why: 'The route matched on what the client sent; only what is admitted is worth rewriting.',
  compile(options, context) {
    const rewritten = pathRewrite(options, context)
    const { host = 'preserve' } = options
    if (rewritten === undefined && host === 'preserve') return undefined
    const authority = host === 'upstream' ? undefined : host
    return {
      name: 'rewrite',
      slot: context.slot,
      admit(ex) {
        const path = rewritten?.(ex)
        if (path !== undefined) ex.forwardTarget = path + ex.query
        if (host !== 'preserve') ex.forwardAuthority = authority
        return undefined
      },
    }
  },
}

function pathRewrite(options: RewriteOptions, { paramNames }: PolicyContext): PathRewrite | undefined {
  if (options.path !== undefined) {
    const template = new PathTemplate(options.path, paramNames)
    return (ex) => template.expand(ex.params ?? NO_PARAMS)
  }
  const prefix = options.stripPrefix === undefined ? options.replacePrefix : { from: options.stripPrefix, to: '' }
  if (prefix === undefined) return undefined
  const replacement = new PrefixReplacement(prefix.from, prefix.to)
  return (ex) => replacement.apply(ex.path)
}

const NO_PARAMS: readonly string[] = []
