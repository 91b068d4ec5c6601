import type { Finding } from '../../../core/lint.ts'
import { isCredential } from '../../../lib/secret-names.ts'
import type { Node, ScalarNode } from '../../../schema/node.ts'
import type { Path } from '../../../schema/path.ts'
import type { Lint } from '../contract.ts'

export const plainTextSecret: Lint = {
  name: 'plain-text-secret',
  finds:
    'A value that looks like a secret: in a header such as `authorization` or `x-api-key`, in the user part of a URL, or in the form of a well-known kind of token.',
  why: 'Config files are reviewed, copied, committed and mounted where many can read them. The value is not shown in messages.',
  remedy: 'Take it from the environment, as below, and revoke the secret that was in the file.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    headers:
      request:
        set: { authorization: Bearer 5f2b9c0a7e }
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    headers:
      request:
        set: { authorization: "Bearer \${ORDERS_TOKEN:-none}" }
`,
  run({ tree }) {
    const found: Finding[] = []
    const shared = new Set<Node>()
    walk(tree, [], shared, (scalar, path) => {
      const why = secretIn(scalar, path)
      if (why !== undefined)
        found.push({ path, message: `${why}; take it from the environment: \${NAME}`, secret: true })
    })
    return found
  },
}

/** Each node once: nodes of defaults are found on every route. */
function walk(node: Node, path: Path, seen: Set<Node>, visit: (scalar: ScalarNode, path: Path) => void): void {
  if (seen.has(node)) return
  seen.add(node)
  if (node.kind === 'scalar') visit(node, path)
  else if (node.kind === 'list') for (const [i, item] of node.items.entries()) walk(item, [...path, i], seen, visit)
  else for (const [key, { value }] of node.entries) walk(value, [...path, key], seen, visit)
}

/** A scheme or variable part without a value is not a secret. */
const EMPTY = /^(bearer|basic|token|digest)?\s*$/i
const CREDENTIALS = /[a-z][a-z0-9+.-]*:\/\/[^\s/?#@:]*:[^\s/?#@]+@/i
/** Prefixes that the makers of tokens chose so that they can be found. */
const TOKENS =
  /\b(sk_live_\w{16,}|rk_live_\w{16,}|gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|npm_\w{36}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)|-----BEGIN [A-Z ]*PRIVATE KEY-----/

function secretIn({ substituted, text }: ScalarNode, path: Path): string | undefined {
  if (substituted !== undefined) return undefined
  if (TOKENS.test(text)) return 'this is a token or key in plain text'
  if (CREDENTIALS.test(text)) return 'this is a URL with a password in plain text'
  const name = headerName(path)
  if (name === undefined || EMPTY.test(text)) return undefined
  if (isCredential(name)) return `the value of ${name} is a secret in plain text`
  return isRandom(text) ? `the value of ${name} looks like a key in plain text` : undefined
}

/** The header that a value belongs to. A condition that only requires a prefix or presence contains no secret. */
function headerName(path: Path): string | undefined {
  const [last, ...before] = path.toReversed()
  const name = last === 'exact' ? before[0] : last
  const map = last === 'exact' ? before[1] : before[0]
  const isHeaders = map === 'headers' || ((map === 'set' || map === 'add') && path.includes('headers'))
  return isHeaders && typeof name === 'string' ? name : undefined
}

const LEAST = 32
const LEAST_BITS = 4

/** Long, of upper and lower case letters and digits in nearly even shares: 4 bits per character or more. */
function isRandom(text: string): boolean {
  if (text.length < LEAST || !/^[\w+/=-]+$/.test(text)) return false
  if (!/[a-z]/.test(text) || !/[A-Z]/.test(text) || !/\d/.test(text)) return false
  const counts = new Map<string, number>()
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1)
  const bits = [...counts.values()].reduce(
    (sum, count) => sum - (count / text.length) * Math.log2(count / text.length),
    0,
  )
  return bits >= LEAST_BITS
}
