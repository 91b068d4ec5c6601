import { clientHost, clientScheme } from '../../core/client-url.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { PureFeature } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Refusal } from '../../core/verdict.ts'
import { compilePath, PrefixReplacement } from '../../http/paths.ts'
import { hostName, pathTemplate, prefixSchema } from '../../http/schemas.ts'
import { escapeForbidden } from '../../lib/percent.ts'
import { mapped, object, optional, withDefault } from '../../schema/composites.ts'
import { integer, oneOf, type Problem, parsed } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const STATUSES = [301, 302, 303, 307, 308]

const status = parsed(
  `one of ${STATUSES.join(', ')}`,
  (text): number | Problem => STATUSES.find((known) => String(known) === text) ?? { problem: '' },
  { enum: STATUSES },
)

const keys = object({
  scheme: optional(oneOf('http', 'https'), 'Scheme of the new URL. Default: that of the request.'),
  host: optional(hostName(), 'Host of the new URL. Default: that of the request.'),
  port: optional(
    integer(1, 65_535),
    'Port of the new URL. Default: that of the request on the same origin, else the scheme’s own.',
  ),
  path: optional(pathTemplate(), 'The new path; {name} stands for a parameter of the route.'),
  replacePrefix: optional(prefixSchema, 'Prefix of the path to replace by another one.'),
  status: withDefault(
    status,
    302,
    'Status of the answer. 307 and 308 keep the method; clients may keep 301 and 308 for ever.',
  ),
})

/** Parts that are left out stay as the client sent them. At most one of `path` and `replacePrefix`. */
export type RedirectOptions = Pick<Infer<typeof keys>, 'status'> & Partial<Infer<typeof keys>>

/**
 * Sends the client elsewhere; the query is kept. The client's path is never read as an authority: a path that a browser
 * could take for one (`//evil`, `/\evil`) is written so that it cannot.
 */
export const redirect: PureFeature<RedirectOptions> = {
  name: 'redirect',
  doc: 'Sends the client to another URL.',
  answers: true,
  pure: true,
  keys: {
    route: mapped(keys, (options, refuse) => {
      const { scheme, host, port, path, replacePrefix } = options
      if (path !== undefined && replacePrefix !== undefined)
        return refuse('only one of path and replacePrefix can decide the path')
      const isSame = [scheme, host, port, path, replacePrefix].every((part) => part === undefined)
      return isSame ? refuse('it leads to the same URL; set scheme, host, port, path or replacePrefix') : options
    }),
  },
  places: {
    answer: {
      stage: 72,
      why: 'It answers in place of an upstream, so a client that may not reach one learns nothing from it either.',
    },
  },
  compile(options, { feature: name, paramNames }) {
    const pathOf = newPath(options, paramNames)
    const answer: Policy = {
      name,
      admit(ex) {
        const path = pathOf(ex)
        if (typeof path === 'object') return path
        const location = originOf(ex, options) + escapeForbidden(path + ex.query)
        return { status: options.status, headers: ['location', safe(location), 'content-length', '0'], body: undefined }
      },
    }
    return { answer }
  },
}

function newPath(options: RedirectOptions, names: readonly string[]): (ex: Exchange) => string | Refusal {
  const { path, replacePrefix } = options
  if (path !== undefined) {
    const text = compilePath(path, names)
    return typeof text === 'string' ? () => text : text
  }
  if (replacePrefix === undefined) return (ex) => ex.path
  const replacement = new PrefixReplacement(replacePrefix.from, replacePrefix.to)
  return (ex) => {
    const refusal = ex.readings === undefined ? undefined : replacement.refusal(ex.path, ex.readings)
    return refusal ?? replacement.apply(ex.path) ?? ex.path
  }
}

/** Scheme and authority, or empty if the redirect stays on this origin. */
function originOf(ex: Exchange, options: RedirectOptions): string {
  const { scheme, port } = options
  if (scheme === undefined && options.host === undefined && port === undefined) return ''
  const host = options.host ?? clientHost(ex)
  // HTTP/1.0 without Host: there is no name that the client could go to.
  if (host === '') return ''
  const to = scheme ?? clientScheme(ex)
  return port === undefined || port === (to === 'https' ? 443 : 80) ? `${to}://${host}` : `${to}://${host}:${port}`
}

/** A path that starts with two slashes would name another host: RFC 3986, section 4.2. */
function safe(location: string): string {
  return location.startsWith('//') ? `/.${location}` : location
}
