import { DIRECTIVES } from './directives.ts'
import type { Directive } from './parse.ts'
import type { Scope } from './scope.ts'

const NAMES: readonly string[] = [...DIRECTIVES].filter(([, { kind }]) => kind === 'restricts').map(([name]) => name)

/** The status that all clients get, where nginx refuses some or all; undefined: all are admitted. */
export function closedWith(scope: Scope): number | undefined {
  if (scope.own.some(({ name }) => name === 'internal')) return 404
  const [access] = scope.all('allow', 'deny')
  if (access !== undefined && !(access.name === 'allow' && access.args[0] === 'all')) return 403
  const others = NAMES.filter((name) => name !== 'allow' && name !== 'deny').flatMap((name) =>
    name === 'if' ? scope.everywhere(name) : scope.all(name),
  )
  return others.some(restricts) ? 403 : undefined
}

/** Whether it may refuse a client, where `kind` says restricts. */
export function restricts({ args, block, name }: Directive): boolean {
  if (args[0] === 'off') return false
  // Other conditions choose or change something; these refuse clients.
  const turnsAway = ({ args: [status = ''], name }: Directive): boolean =>
    name === 'deny' || (name === 'return' && /^4(?!04)\d\d$/.test(status))
  return name !== 'if' || block?.some(turnsAway) === true
}
