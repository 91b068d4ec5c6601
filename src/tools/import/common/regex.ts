import { regexProblem } from '../../../lib/regex.ts'

/** A path pattern of Sluice, or what keeps the regular expression from being one. */
export type ConvertedRegex = { readonly path: string } | { readonly problem: string }

/**
 * A regular expression as nginx has it (PCRE, found anywhere in the path) as one of Sluice, which must match the whole path.
 */
export function convertRegex(written: string, anyCase: boolean): ConvertedRegex {
  const source = written.replace(/\(\?P?<[A-Za-z_]\w*>/g, '(')
  if (/\[\^?\]|\[[.:=][^\]]*[.:=]\]/.test(source)) return { problem: 'its character class is not supported' }
  const parts = alternatives(source).map((part) => whole(part))
  const joined = parts.length === 1 ? (parts[0] as string) : `(?:${parts.join('|')})`
  const converted = anyCase ? foldCase(joined) : joined
  const problem = regexProblem(converted)
  return problem === undefined ? { path: `~ ^${converted}$` } : { problem }
}

/** Without what looks around: it matches all that it did, and more. */
export function widened(source: string): string {
  return source.replace(/\(\?<?[!=](\\.|[^()\\])*\)/g, '')
}

/** `^/a` → `/a.*`, `\.png$` → `.*\.png`. */
function whole(part: string): string {
  const isOpen = !part.startsWith('^')
  const body = isOpen ? part : part.slice(1)
  const closed = /(^|[^\\])(\\\\)*\$$/.test(body)
  const start = isOpen && !body.startsWith('.*') ? '.*' : ''
  const end = closed || /(^|[^\\])(\\\\)*\.\*$/.test(body) ? '' : '.*'
  return start + (closed ? body.slice(0, -1) : body) + end
}

/** What stands between the outermost `|`. */
function alternatives(source: string): string[] {
  const parts = ['']
  let depth = 0
  for (const token of source.match(/\\.|\[(?:\\.|[^\]\\])*\]|[\s\S]/g) ?? []) {
    if (token === '(') depth++
    if (token === ')') depth--
    if (token === '|' && depth === 0) parts.push('')
    else parts[parts.length - 1] += token
  }
  return parts
}

/** Every letter in both cases. */
function foldCase(source: string): string {
  return source.replace(/\\.|\[(?:\\.|[^\]\\])*\]|[A-Za-z]/g, (token) => {
    if (token.startsWith('\\')) return token
    if (!token.startsWith('[')) return `[${token.toLowerCase()}${token.toUpperCase()}]`
    const inside = token.slice(1, -1)
    const both = inside.replace(/\\.|[A-Za-z]-[A-Za-z]|[A-Za-z]/g, (letters) =>
      letters.startsWith('\\') ? letters : letters.toLowerCase() + letters.toUpperCase(),
    )
    return `[${both}]`
  })
}
