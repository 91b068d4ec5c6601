import type { Plains } from '../common/draft.ts'
import { convertRegex } from '../common/regex.ts'
import type { IngressPath } from './read.ts'
import type { Settings } from './settings.ts'

/** A path of an Ingress as a route expresses it. */
export interface ConvertedPath {
  /** Of `match.path`. */
  readonly path: string
  /** Only by their length are paths of one host ordered once one of them is a regular expression. */
  readonly isRegex: boolean
  readonly rewrite: Plains | undefined
  /** How it differs from the original. */
  readonly differs: string | undefined
}

/** A problem: it cannot be expressed. */
export function convertPath(from: IngressPath, settings: Settings): ConvertedPath | { readonly problem: string } {
  const { path } = from
  const target = settings.rewriteTarget
  if (isLiteral(path)) {
    if (target === undefined) return literal(from)
    if (/[$?#{}\s]/.test(target) || !target.startsWith('/'))
      return { problem: `rewrite-target ${target} has no groups of the path to take` }
    return { ...literal(from), rewrite: { path: target } }
  }
  if (!settings.useRegex) return { problem: 'these characters have no place in a path' }
  if (target !== undefined) return captured(path, target)
  const converted = convertRegex(`^${path}`, true)
  if ('problem' in converted) return converted
  return { path: converted.path, isRegex: true, rewrite: undefined, differs: undefined }
}

function isLiteral(path: string): boolean {
  return /^\/[\w./~%@:!,;=&'-]*$/.test(path)
}

function literal({ path, type }: IngressPath): ConvertedPath {
  const base = { isRegex: false, rewrite: undefined }
  if (type === 'Exact') return { ...base, path, differs: undefined }
  const bare = path.replace(/\/+$/, '')
  const differs =
    type === 'Prefix' || bare === ''
      ? undefined
      : `in ingress-nginx it takes all that starts so, ${bare}x too; Sluice matches whole segments`
  return { ...base, path: `${bare}/*`, differs }
}

/** `/shop(/|$)(.*)` with `/$2`, and the like: a prefix that is replaced. */
function captured(path: string, target: string): ConvertedPath | { problem: string } {
  const [whole, prefix = '', separator = ''] = /^(\/[\w./~-]*?)??(\(\/\|\$\)|\/\?|\/)\(\.\*\)$/.exec(path) ?? []
  const group = separator === '(/|$)' ? 2 : 1
  const [, to] = new RegExp(`^(/|/[\\w./~-]*/)\\$${group}$`).exec(target) ?? []
  if (whole === undefined || to === undefined)
    return { problem: `rewrite takes a prefix; ${path} to ${target} is none` }
  const isSame = prefix === '' && to === '/'
  const differs = {
    '/': prefix === '' ? undefined : `carried over; ${prefix} itself is taken, too`,
    '/?': prefix === '' ? undefined : `carried over; in ingress-nginx it takes ${prefix}x, too`,
  }[separator]
  return {
    path: `${prefix}/*`,
    isRegex: false,
    rewrite: isSame ? undefined : replacement(prefix, to),
    differs,
  }
}

function replacement(prefix: string, to: string): Plains {
  if (to === '/') return { stripPrefix: prefix }
  return { replacePrefix: { from: prefix === '' ? '/' : prefix, to: to.replace(/\/$/, '') } }
}
