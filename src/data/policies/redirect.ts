import type { Exchange } from '../../core/exchange.ts'
import type { PolicyDefinition } from '../../core/policy.ts'
import { fieldValue } from '../../lib/headers.ts'
import { escapeForbidden } from '../../lib/percent.ts'
import { PathTemplate } from '../../lib/template.ts'
import { PrefixReplacement } from './paths.ts'

/** What is left out stays as the client sent it. At most one of `path` and `replacePrefix`. */
export interface RedirectOptions {
  readonly scheme?: 'http' | 'https' | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** The new path; `{name}` stands for a parameter of the route. */
  readonly path?: string | undefined
  readonly replacePrefix?: { readonly from: string; readonly to: string } | undefined
  readonly status: 301 | 302 | 303 | 307 | 308
}

/**
 * Sends the client elsewhere; the query goes along. The client's path is never read as an authority: what a browser could
 * take for one (`//evil`, `/\evil`) is written so that it can not.
 */
export const redirect: PolicyDefinition<RedirectOptions> = {
  name: 'redirect',
  stage: 72,
  why: 'It answers in the place of an upstream, so whoever may not reach one learns nothing from it either.',
  compile(options, { slot, paramNames }) {
    const { status } = options
    const pathOf = newPath(options, paramNames)
    return {
      name: 'redirect',
      slot,
      admit(ex) {
        const location = originOf(ex, options) + escapeForbidden(pathOf(ex) + ex.query)
        return { status, headers: ['location', safe(location), 'content-length', '0'], body: undefined }
      },
    }
  },
}

function newPath(options: RedirectOptions, names: readonly string[]): (ex: Exchange) => string {
  const { path, replacePrefix } = options
  if (path !== undefined) {
    const template = new PathTemplate(path, names)
    return (ex) => template.expand(ex.params ?? NO_PARAMS)
  }
  if (replacePrefix === undefined) return (ex) => ex.path
  const replacement = new PrefixReplacement(replacePrefix.from, replacePrefix.to)
  return (ex) => replacement.apply(ex.path) ?? ex.path
}

/** Scheme and authority, or empty where the redirect stays on this origin. */
function originOf(ex: Exchange, options: RedirectOptions): string {
  const { scheme, port } = options
  if (scheme === undefined && options.host === undefined && port === undefined) return ''
  const host = options.host ?? ex.downstream.host
  // HTTP/1.0 without Host: there is no name that the client could go to.
  if (host === '') return ''
  const to = scheme ?? schemeOf(ex)
  return port === undefined || port === (to === 'https' ? 443 : 80) ? `${to}://${host}` : `${to}://${host}:${port}`
}

function schemeOf(ex: Exchange): string {
  const forwarded = ex.trusted ? fieldValue(ex.headers, 'x-forwarded-proto') : undefined
  if (forwarded === 'http' || forwarded === 'https') return forwarded
  return ex.downstream.peer.secure ? 'https' : 'http'
}

/** A path that starts with two slashes would name another host: RFC 3986, section 4.2, and what URL writers do. */
function safe(location: string): string {
  return location.startsWith('//') ? `/.${location}` : location
}

const NO_PARAMS: readonly string[] = []
