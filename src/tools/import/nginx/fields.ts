import { isOwnField } from '../../../http/fields.ts'
import type { Draft, Plain, Plains } from '../common/draft.ts'
import type { Directive } from './parse.ts'
import type { Scope } from './scope.ts'

/** Fields of nginx's own variables that Sluice sends by itself. */
const SENT_ANYWAY: Readonly<Record<string, RegExp>> = {
  'x-forwarded-for': /^\$(proxy_add_x_forwarded_for|remote_addr|http_x_forwarded_for)$/,
  'x-forwarded-proto': /^\$(scheme|http_x_forwarded_proto)$/,
  'x-forwarded-host': /^\$(host|http_host)(:\$server_port)?$/,
  'x-forwarded-port': /^\$server_port$/,
  'x-request-id': /^\$(request_id|http_x_request_id)$/,
  connection: /^(close|upgrade|\$connection_upgrade|)$/i,
  upgrade: /^\$http_upgrade$/,
}

/** Keys of a route that come from proxy_set_header, add_header and proxy_hide_header. */
export interface FieldKeys {
  readonly headers: Plains | undefined
  /** Of `rewrite`; undefined: as the client sent it. */
  readonly host: string | undefined
}

/** What the value of Host may stand for. */
export interface HostNames {
  /** What nginx sends where nothing else is said. */
  readonly proxyHost: string
  readonly serverName: string | undefined
  /** Clients may send a port in Host. */
  readonly oddPort: boolean
}

export function fieldKeys(scope: Scope, names: HostNames, draft: Draft): FieldKeys {
  const set: Record<string, Plain> = {}
  const remove: string[] = []
  let host: string | undefined = names.proxyHost
  for (const directive of scope.all('proxy_set_header')) {
    const [name = '', value = ''] = directive.args
    const lower = name.toLowerCase()
    const leave = (why: string): void => draft.leave(directive, `proxy_set_header ${name} ${value}`, why)
    if (lower === 'host') host = hostOf(value, names, leave)
    else if (SENT_ANYWAY[lower]?.test(value) === true) continue
    else if (lower === 'upgrade' || lower === 'connection')
      leave('Sluice writes it itself; upgrades of the route has the protocols')
    else if (value === '' && !isOwnField(lower)) remove.push(name)
    else {
      const problem = fieldProblem(name, value, set)
      if (problem === undefined) set[name] = value
      else leave(problem)
    }
  }
  const request = { ...filled('set', set), ...(remove.length > 0 && { remove }) }
  const headers = { ...filled('request', request), ...filled('response', responseFields(scope, draft)) }
  return { headers: Object.keys(headers).length === 0 ? undefined : headers, host }
}

/** `add_header` and `proxy_hide_header`. */
export function responseFields(scope: Scope, draft: Draft): Plains {
  const add: Record<string, Plain> = {}
  for (const directive of scope.all('add_header')) {
    const [name = '', value = '', always] = directive.args
    const leave = (why: string): void => draft.leave(directive, `add_header ${name}`, why)
    const problem = fieldProblem(name, value, add)
    if (problem !== undefined) leave(problem)
    else {
      add[name] = value
      if (always !== 'always') leave('carried over; without always nginx leaves it out of answers from 400 on')
    }
  }
  const hidden = scope.all('proxy_hide_header').flatMap(({ args }) => args.slice(0, 1))
  return { ...filled('add', add), ...(hidden.length > 0 && { remove: [...new Set(hidden)] }) }
}

function fieldProblem(name: string, value: string, others: Readonly<Record<string, Plain>>): string | undefined {
  if (isOwnField(name)) return 'Sluice writes this field itself'
  if (value.includes('$')) return 'values have no variables'
  if (/[\x00-\x1f\x7f]/.test(value) || value.trim() !== value)
    return 'control characters and spaces at the ends have no place in it'
  const isTwice = Object.keys(others).some((other) => other.toLowerCase() === name.toLowerCase())
  return isTwice ? 'only one line of each field' : undefined
}

function hostOf(
  value: string,
  { oddPort, proxyHost, serverName }: HostNames,
  leave: (why: string) => void,
): string | undefined {
  if (value === '$proxy_host') return proxyHost
  if (value === '$host' && oddPort) leave('carried over, but Sluice sends Host as it came, with its port')
  if (/^\$(http_)?host(:\$server_port)?$/.test(value)) return undefined
  if (value === '$server_name' && serverName?.startsWith('*') === false) return serverName
  if (/^[\w.-]+(:\d+)?$/.test(value)) return value
  leave('rewrite.host is a plain host; Sluice sends it as it came')
  return undefined
}

function filled(key: string, value: Plains): Plains {
  return Object.keys(value).length === 0 ? {} : { [key]: value }
}

/** Directives of fields, for a location that answers by itself. */
export function contentType(scope: Scope): string {
  const added = scope
    .all('add_header')
    .find((directive: Directive) => directive.args[0]?.toLowerCase() === 'content-type')
  return added?.args[1] ?? scope.word('default_type') ?? 'text/plain'
}
