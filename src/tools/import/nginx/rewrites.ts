import type { Plains } from '../common/draft.ts'

/** What a `rewrite` does to paths, as far as Sluice can say it. */
export type PathRule =
  /** Only this path. */
  | { readonly kind: 'exact'; readonly from: string; readonly to: string }
  /** `from` and all below; whole segments. `below`: not `from` itself. */
  | { readonly kind: 'prefix'; readonly from: string; readonly to: string; readonly below: boolean }
  /** Any path becomes this one. */
  | { readonly kind: 'whole'; readonly to: string }

/** A regular expression and a replacement such as `^/old/(.*)$` and `/new/$1`; undefined: more than a prefix. */
export function pathRule(pattern: string, replacement: string): PathRule | undefined {
  const literal = /^\/[\w./~-]*$/
  const takesAll = /^(\^|\^?\(?\.\*\)?\$?|\^\/\(?\.\*\)?\$?)$/.test(pattern)
  if (takesAll && literal.test(replacement)) return { kind: 'whole', to: replacement }
  const keeps = replacement === '$request_uri' || replacement === '$uri'
  if (takesAll && (keeps || (replacement === '$1' && /^\^?\(\.\*\)\$?$/.test(pattern))))
    return { kind: 'prefix', from: '/', to: '/', below: false }
  const source = pattern.replaceAll('\\.', '.')
  const [, exact] = /^\^(\/[\w./~-]*)\$$/.exec(source) ?? []
  if (exact !== undefined)
    return literal.test(replacement) ? { kind: 'exact', from: exact, to: replacement } : undefined
  const [, prefix] = /^\^(\/[\w./~-]*)\??\(\.\*\)\$?$/.exec(source) ?? []
  const [whole, to = ''] = /^(\/[\w./~-]*)?\$1$/.exec(replacement) ?? []
  // The group has the slash, or both sides have it outside.
  if (prefix === undefined || whole === undefined || prefix.endsWith('/') !== to.endsWith('/')) return undefined
  const bare = (path: string): string => path.replace(/\/$/, '') || '/'
  const below = prefix !== '/' && prefix.endsWith('/') && !source.includes('/?(')
  return { kind: 'prefix', from: bare(prefix), to: bare(to), below }
}

/** As keys of `rewrite`; undefined: the path stays. */
export function ruleKeys(rule: PathRule): Plains | undefined {
  if (rule.kind !== 'prefix') return { path: rule.to }
  const { from, to } = rule
  if (from === to) return undefined
  return to === '/' ? { stripPrefix: from } : { replacePrefix: { from, to } }
}
