import type { Draft, Plains } from '../common/draft.ts'
import { redirectTo } from '../common/redirect-to.ts'
import { contentType, responseFields } from './fields.ts'
import type { Directive } from './parse.ts'
import { closedWith } from './restrictions.ts'
import type { Scope } from './scope.ts'

/** Keys of a route that answers by itself: turned away, or `return`; undefined: something else handles it. */
export function answerOf(scope: Scope, draft: Draft): Plains | undefined {
  const closed = closedWith(scope)
  if (closed !== undefined) return { respond: { status: closed } }
  const returned = scope.own.find(({ name }) => name === 'return')
  if (returned === undefined) return undefined
  const response = responseFields(scope, draft)
  const headers = Object.keys(response).length === 0 ? undefined : { response }
  return { ...returnKeys(returned, scope, draft), headers }
}

function returnKeys(directive: Directive, scope: Scope, draft: Draft): Plains {
  const leave = (why: string): void => draft.leave(directive, `return ${directive.args.join(' ')}`, why)
  const [first = '', text] = directive.args
  const status = /^\d{3}$/.test(first) ? Number(first) : 302
  const url = /^\d{3}$/.test(first) ? text : first
  if ([301, 302, 303, 307, 308].includes(status) && url !== undefined) {
    const target = redirectTo(scope.withServerName(url))
    if (target === undefined) {
      leave('this address cannot be said in redirect; it answers 501')
      return { respond: { status: 501 } }
    }
    if (target.dropsQuery) leave('carried over, but Sluice sends the query of the request along')
    return { redirect: { ...target.to, status } }
  }
  if (status < 200 || status > 599 || status === 444) {
    leave('it closes the connection; Sluice answers 403')
    return { respond: { status: 403 } }
  }
  if (text === undefined || text === '') return { respond: { status } }
  if (text.includes('$')) {
    leave('texts have no variables; it answers without')
    return { respond: { status } }
  }
  return { respond: { status, headers: { 'content-type': contentType(scope) }, body: text } }
}
