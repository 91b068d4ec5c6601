/** Environment values by name. */
export type Environment = Readonly<Record<string, string | undefined>>

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g
const ALONE = /^\$\{[^}]*\}$/
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/**
 * Puts `${NAME}` and `${NAME:-default}` in; `$${` stands for `${`. A name that is unset and has no default is a problem.
 */
export function substitute(text: string, env: Environment): { readonly text: string } | { readonly problem: string } {
  let problem: string | undefined
  const unset = new Set<string>()
  const out = text.replace(REFERENCE, (whole: string, inner: string | undefined) => {
    if (inner === undefined) return '${'
    const match = whole.endsWith('}') ? NAME.exec(inner) : null
    if (match === null) {
      problem ??= `${JSON.stringify(whole)} is no reference to an environment value; write \${NAME}, \${NAME:-default}, or $\${ for the characters themselves`
      return ''
    }
    const [, name, fallback] = match as unknown as [string, string, string | undefined]
    const value = env[name]
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    if (fallback === undefined) unset.add(name)
    return fallback ?? ''
  })
  const [first, ...more] = unset
  if (first !== undefined && more.length > 0)
    problem ??= `the environment values ${[first, ...more].join(' and ')} are not set; set them, or write \${${first}:-default}`
  else if (first !== undefined)
    problem ??= `the environment value ${first} is not set; set it, or write \${${first}:-default}`
  return problem === undefined ? { text: out } : { problem }
}

/** Names of the environment values that a text refers to. */
export function referredNames(text: string): readonly string[] {
  return Array.from(text.matchAll(REFERENCE), ([, inner]) => NAME.exec(inner ?? '')?.[1] ?? '').filter(
    (name) => name !== '',
  )
}

/** Whether a text is one reference and nothing else: what it stands for may be a number or a boolean, in quotes, too. */
export function isReference(text: string): boolean {
  return ALONE.test(text)
}
