import type { Exchange } from '../../core/exchange.ts'
import type { PureContext, PureFeature } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Refusal } from '../../core/verdict.ts'
import { compilePath, PrefixReplacement } from '../../http/paths.ts'
import { host, hostName, path, pathTemplate, prefixSchema } from '../../http/schemas.ts'
import { hasDotSegment } from '../../lib/path.ts'
import { mapped, object, offOr, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { AnswerRewrite } from './answer-rewrite.ts'

const NAME = 'rewrite'
const WAYS = ['stripPrefix', 'replacePrefix', 'path'] as const

/** RFC 6265, section 4.1.1: a semicolon would end the attribute. */
const cookiePaths = mapped(oneOrMany(prefixSchema), (rules, refuse) =>
  rules.some(({ to }) => to.includes(';')) ? refuse('a semicolon cannot stand in the path of a cookie') : rules,
)

const cookieKeys = object({
  path: optional(
    cookiePaths,
    'Prefixes to replace in the Path of cookies, in whole segments. The first that fits is used.',
  ),
  domain: optional(
    oneOrMany(
      object({
        from: required(hostName(), 'Domain of the cookie, with or without a leading dot.'),
        to: required(
          offOr(hostName()),
          'Domain that replaces it. off: none, so that the cookie belongs to the host that answered.',
        ),
      }),
    ),
    'Domains to replace in cookies. The first that fits is used.',
  ),
})

const keys = object({
  stripPrefix: optional(path(), 'Prefix to remove from the path, in whole segments.'),
  replacePrefix: optional(prefixSchema, 'Prefix of the path to replace by another one.'),
  path: optional(pathTemplate(), 'The new path; {name} stands for a parameter of the route.'),
  host: optional(
    host(),
    'Host that the upstream gets: preserve (as the client sent it), upstream (the endpoint’s own), or a literal.',
  ),
  redirects: withDefault(
    offOr(oneOf('own', 'paths')),
    'own',
    'Location, Content-Location and Refresh of answers. own: URLs of the endpoint itself become paths, with the prefix that was removed. paths: that prefix is also added to paths that do not begin with it. off: they stay.',
  ),
  cookies: optional(cookieKeys, 'Path and Domain of the cookies that answers set.'),
})

/** At most one of the three ways to change the path. Paths are in normal form. */
export type RewriteOptions = Partial<Infer<typeof keys>>

/** The new path; undefined: it stays; or why the request is refused. */
type PathRewrite = (ex: Exchange) => string | undefined | Refusal

/**
 * What the upstream sees as target and Host, and the way back: references in answers. Works on the normal form of the path;
 * the query stays byte for byte. A path that no rule matches goes on as it came.
 */
export const rewrite: PureFeature<RewriteOptions> = {
  name: NAME,
  doc: 'Changes the path and Host that the upstream sees, and the references in its answers.',
  byDefault: true,
  pure: true,
  keys: {
    route: mapped(keys, (options, refuse) => {
      const given = WAYS.filter((way) => options[way] !== undefined)
      return given.length > 1 ? refuse(`only one of ${given.join(' and ')} can decide the path`) : options
    }),
  },
  places: {
    target: { stage: 70, why: 'The route matched on what the client sent; only what is admitted is worth rewriting.' },
  },
  compile(options, context) {
    const prefix = prefixOf(options)
    const admit = requestRewrite(options, prefix, context)
    const answers = answerRewrite(options, prefix)
    if (admit === undefined && answers === undefined) return undefined
    if (admit === undefined && options.redirects === 'own' && options.cookies === undefined) return { target: USUAL }
    const target: Policy = {
      name: NAME,
      ...(admit !== undefined && { admit }),
      ...(answers !== undefined && { respond: respondWith(answers) }),
    }
    return { target }
  },
}

function respondWith(answers: AnswerRewrite): (ex: Exchange) => void {
  return (ex) => {
    // Only answers of the upstream: our own are right already.
    if (ex.attempt !== undefined && ex.failure === undefined && ex.degraded === undefined) answers.apply(ex)
  }
}

/** Of all routes with the defaults: of thousands, each seldom used, it stays in the CPU's cache. */
const USUAL: Policy = {
  name: NAME,
  respond: respondWith(new AnswerRewrite({ redirects: 'own', cookies: undefined, prefix: undefined })),
}

function requestRewrite(
  options: RewriteOptions,
  prefix: PrefixReplacement | undefined,
  context: PureContext,
): Policy['admit'] {
  const rewritten = pathRewrite(options, prefix, context)
  const { host: to = 'preserve' } = options
  if (rewritten === undefined && to === 'preserve') return undefined
  const stripped = strippedPrefix(options)
  const authority = to === 'upstream' ? undefined : to
  return (ex) => {
    const newPath = rewritten?.(ex)
    if (typeof newPath === 'object') return newPath
    if (newPath !== undefined) ex.forwardTarget = newPath + ex.query
    if (newPath !== undefined && stripped !== '') tellPrefix(context.services.forwardHeaders(ex), stripped)
    if (to !== 'preserve') ex.forwardAuthority = authority
    return undefined
  }
}

function answerRewrite(
  { cookies, redirects }: RewriteOptions,
  prefix: PrefixReplacement | undefined,
): AnswerRewrite | undefined {
  if (redirects === undefined && cookies === undefined) return undefined
  return new AnswerRewrite({ redirects, cookies, prefix })
}

function prefixOf({ stripPrefix, replacePrefix }: RewriteOptions): PrefixReplacement | undefined {
  const prefix = stripPrefix === undefined ? replacePrefix : { from: stripPrefix, to: '' }
  return prefix === undefined ? undefined : new PrefixReplacement(prefix.from, prefix.to)
}

function pathRewrite(
  { path }: RewriteOptions,
  prefix: PrefixReplacement | undefined,
  { paramNames }: PureContext,
): PathRewrite | undefined {
  if (path !== undefined) {
    const text = compilePath(path, paramNames)
    if (typeof text === 'string') return () => text
    const mayEndDot = typeof path !== 'string' && path.texts.slice(0, -1).some((before) => AFTER_DOT.test(before))
    return (ex) => {
      const expanded = text(ex)
      return mayEndDot && hasDotSegment(expanded) ? DOT_SEGMENT : expanded
    }
  }
  if (prefix === undefined) return undefined
  return (ex) => {
    const refusal = ex.readings === undefined ? undefined : prefix.refusal(ex.path, ex.readings)
    return refusal ?? prefix.apply(ex.path)
  }
}

/** The prefix that was removed from the path, so that the upstream can write links that lead back here; empty: none. */
function strippedPrefix({ stripPrefix, replacePrefix }: RewriteOptions): string {
  const prefix = stripPrefix ?? (replacePrefix?.to === '/' ? replacePrefix.from : '')
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
}

/** After what a trusted peer has stripped. */
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
/** A value there can make a dot segment, by a leading `;`. */
const AFTER_DOT = /\/\.{1,2}$/
const DOT_SEGMENT: Refusal = {
  reason: 'ambiguous_path',
  phase: 'request',
  origin: 'client',
  detail: 'Rewritten, the path would contain a dot segment.',
}
