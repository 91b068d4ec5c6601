import type { Draft } from '../common/draft.ts'
import { redirectCondition } from './conditions.ts'
import { DIRECTIVES } from './directives.ts'
import type { Directive } from './parse.ts'
import { isRedirect } from './redirects.ts'
import { restricts } from './restrictions.ts'

/** What one listener has for all of its servers. */
const LISTENER: ReadonlySet<string> = new Set(['client_header_timeout', 'client_body_timeout', 'keepalive_timeout'])

const CLOSED = 'what it guards answers 403 until you check in front and write "to"'

/** Blocks whose contents are read. */
const OPEN: ReadonlySet<string> = new Set(['http', 'server', 'location', 'events', 'upstream'])

/** Lists directives that are known to stay out, and those that are not known. `inside`: name of the block. */
export function listUnread(directives: readonly Directive[], draft: Draft, inside = ''): void {
  for (const directive of directives) {
    const { args, block, name } = directive
    const rule = DIRECTIVES.get(name)
    const what = [name, ...args].join(' ')
    if (name === 'include' && args[0]?.endsWith('mime.types') === true) continue
    if (rule === undefined) draft.leave(directive, what, 'this directive is not known')
    else if (rule.kind === 'left' && args[0] !== 'off') draft.leave(directive, what, rule.becomes)
    else if (inside === 'server' && redirectCondition(directive, directives) !== undefined) continue
    else if (rule.kind === 'restricts' && !isSaid(directive, directives))
      draft.leave(directive, what, restricts(directive) ? `${rule.becomes}; ${CLOSED}` : rule.becomes)
    const ofListener = LISTENER.has(name) && (inside === 'server' || inside === 'location')
    if (ofListener) draft.leave(directive, what, 'only what stands in http is read; write listeners.NAME.timeouts')
    const rewrites = name === 'rewrite' && inside === 'server' && !isRedirect(directive)
    if (rewrites)
      draft.leave(directive, what, 'routes are chosen by the path that the client sent; write a rewrite into them')
    if (block !== undefined && OPEN.has(name)) listUnread(block, draft, name)
  }
}

/** `deny all` alone, `allow all`, and what is off change nothing or can be said. */
function isSaid({ args, name }: Directive, beside: readonly Directive[]): boolean {
  if (args[0] === 'off') return true
  if (name === 'deny' && args[0] === 'all') return !beside.some((other) => other.name === 'allow')
  return name === 'allow' && args[0] === 'all' && !beside.some((other) => other.name === 'deny')
}
