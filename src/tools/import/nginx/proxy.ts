import type { Draft, Plains } from '../common/draft.ts'
import { retryConditions } from '../common/retry-conditions.ts'
import { inUnits, millisecondsOf } from '../common/times.ts'
import { fieldKeys } from './fields.ts'
import { type Location, pathOf } from './locations.ts'
import { isRedirect } from './redirects.ts'
import { pathRule, ruleKeys } from './rewrites.ts'
import type { Scope } from './scope.ts'
import type { Server } from './server.ts'
import type { ProxyTarget, Upstreams } from './upstreams.ts'

/** What holds in nginx where nothing is said, and the longest that Sluice knows; milliseconds. */
const BUILT_IN = 60_000
const MOST_CONNECT = 600_000
const MOST_WAIT = 7 * 86_400_000

/** What holds where nothing else is said: `defaults` of the output. */
export interface ProxyDefaults {
  readonly connect: string
  readonly read: string
  readonly when: readonly (string | number)[] | undefined
}

export function proxyDefaults(http: Scope): ProxyDefaults {
  return {
    connect: inUnits(Math.min(millisecondsOf(http.word('proxy_connect_timeout')) ?? BUILT_IN, MOST_CONNECT)),
    read: inUnits(Math.min(millisecondsOf(http.word('proxy_read_timeout')) ?? BUILT_IN, MOST_WAIT)),
    when: retryConditions(http.find('proxy_next_upstream')?.args ?? ['error', 'timeout']).when,
  }
}

/** Keys of the route of a location that is proxied; a problem: what it answers instead was listed. */
export class Proxying {
  private readonly upstreams: Upstreams
  private readonly defaults: ProxyDefaults
  private readonly draft: Draft
  /** Keys of zones of limit_conn. */
  private readonly zones: ReadonlyMap<string, string>

  constructor(http: Scope, upstreams: Upstreams, draft: Draft) {
    this.upstreams = upstreams
    this.defaults = proxyDefaults(http)
    this.draft = draft
    this.zones = new Map(
      http
        .all('limit_conn_zone')
        .map(({ args: [key = '', zone = ''] }) => [/^zone=([^:]+)/.exec(zone)?.[1] ?? '', key] as const),
    )
  }

  /** Undefined: it cannot be said, and was listed. */
  keys(location: Location, { listens, name: serverName }: Pick<Server, 'listens' | 'name'>): Plains | undefined {
    const { scope } = location
    const pass = scope.own.find(({ name }) => name === 'proxy_pass')
    if (pass === undefined) {
      this.draft.leave(location.directive, `location ${location.uri}`, 'it is not proxied; Sluice answers 501')
      return undefined
    }
    const leave = (why: string): void => this.draft.leave(pass, `proxy_pass ${pass.args.join(' ')}`, why)
    const [, scheme, host, port, uri] =
      /^(https?):\/\/(\[[^\]]+\]|[^/:[]+)(?::(\d+))?(\/.*)?$/i.exec(pass.args[0] ?? '') ?? []
    if (scheme === undefined || host === undefined || pass.args[0]?.includes('$') === true) {
      leave('a host and a port are needed, without variables; Sluice answers 501')
      return undefined
    }
    const path = this.path(location, uri, leave)
    if (path === undefined) return undefined
    const target: ProxyTarget = {
      scheme: scheme.toLowerCase() as ProxyTarget['scheme'],
      host: host.toLowerCase(),
      port: port === undefined ? undefined : Number(port),
      directive: pass,
    }
    const upstream = this.upstreams.use(target, this.upstreamKeys(scope, target))
    if (upstream === undefined) {
      leave('it has no endpoint that Sluice can use; it answers 501')
      return undefined
    }
    const natural = target.scheme === 'https' ? 443 : 80
    const proxyHost = target.port === undefined || target.port === natural ? host : `${host}:${port}`
    const oddPort = listens.some(({ port, tls }) => port !== (tls ? 443 : 80))
    const fields = fieldKeys(scope, { proxyHost, serverName, oddPort }, this.draft)
    const redirects = this.redirects(scope)
    const rewrite = {
      ...path.keys,
      ...(fields.host !== undefined && { host: fields.host }),
      ...(redirects !== undefined && { redirects }),
    }
    return {
      to: upstream.name,
      rewrite: Object.keys(rewrite).length === 0 ? undefined : rewrite,
      headers: fields.headers,
      ...this.attempts(scope, upstream.size),
      bulkhead: this.bulkhead(scope),
    }
  }

  /** Undefined: it cannot be said. */
  private path(
    location: Location,
    uri: string | undefined,
    leave: (why: string) => void,
  ): { keys: Plains } | undefined {
    const rewrites = location.scope.own.filter((directive) => directive.name === 'rewrite' && !isRedirect(directive))
    const [first, ...more] = rewrites
    if (first !== undefined) {
      const rule = first.args[2] === 'break' ? pathRule(first.args[0] ?? '', first.args[1] ?? '') : undefined
      if (rule !== undefined && (rule.kind !== 'exact' || location.kind === 'exact') && more.length === 0)
        return { keys: ruleKeys(rule) ?? {} }
      const why = 'only one rewrite to break, of a prefix or of all paths, can be said; Sluice answers 501'
      this.draft.leave(first, `rewrite ${first.args.join(' ')}`, why)
      return undefined
    }
    if (uri === undefined) return { keys: {} }
    if (location.kind === 'exact' && !uri.includes('?')) return { keys: uri === location.uri ? {} : { path: uri } }
    if (location.kind === 'regex' || /[?#]/.test(uri) || (location.uri.endsWith('/') && !uri.endsWith('/'))) {
      leave('its path would not be a prefix in whole segments; Sluice answers 501')
      return undefined
    }
    const bare = (path: string): string => path.replace(/\/$/, '') || '/'
    if (!location.uri.endsWith('/') && uri.endsWith('/'))
      leave(
        `carried over, but nginx sends ${uri}/x for ${location.uri}/x and Sluice ${bare(uri) === '/' ? '' : bare(uri)}/x`,
      )
    return { keys: ruleKeys({ kind: 'prefix', from: pathOf(bare(location.uri)), to: bare(uri), below: false }) ?? {} }
  }

  private upstreamKeys(scope: Scope, { directive, scheme }: ProxyTarget): Plains {
    const connect = inUnits(this.time(scope, 'proxy_connect_timeout', MOST_CONNECT))
    const timeouts = connect === this.defaults.connect ? {} : { timeouts: { connect } }
    if (scheme === 'http') return timeouts
    const verify = scope.word('proxy_ssl_verify') === 'on'
    if (!verify)
      this.draft.leave(directive, 'proxy_ssl_verify off', 'carried over: the certificate is not checked, as in nginx')
    const name = scope.word('proxy_ssl_name')
    const serverName = name === undefined || name.includes('$') ? undefined : name
    return { ...timeouts, tls: { verify, serverName } }
  }

  /** `retries` and `timeouts`: nginx asks every server once, each for so long. */
  private attempts(scope: Scope, size: number): Plains {
    const said = scope.find('proxy_next_upstream')
    const { methods, unknown, when } = retryConditions(said?.args ?? ['error', 'timeout'])
    if (said !== undefined && unknown.length > 0)
      this.draft.leave(said, 'proxy_next_upstream', `no condition of retries.when: ${unknown.join(', ')}`)
    const most = Number(scope.word('proxy_next_upstream_tries') ?? 0) || size
    const attempts = when === undefined ? 1 : Math.min(most, size, 11)
    const time = this.time(scope, 'proxy_read_timeout', MOST_WAIT)
    const read = inUnits(time)
    const all = inUnits(Math.min(time * attempts, MOST_WAIT))
    const isDefault = read === this.defaults.read
    const silence = isDefault ? undefined : read
    const timeouts = { request: all, attempt: attempts > 1 ? read : undefined, idle: silence, stream: silence }
    const differ = JSON.stringify(when) !== JSON.stringify(this.defaults.when)
    return {
      timeouts: isDefault && attempts === 1 ? undefined : timeouts,
      retries: attempts === 1 ? 'off' : { maxExtra: attempts - 1, when: differ ? when : undefined, methods },
    }
  }

  /** Milliseconds; more than `most` is listed. */
  private time(scope: Scope, name: string, most: number): number {
    const directive = scope.find(name)
    const time = millisecondsOf(directive?.args[0]) ?? BUILT_IN
    if (directive !== undefined && time > most)
      this.draft.leave(
        directive,
        `${name} ${directive.args[0]}`,
        `carried over as ${inUnits(most)}, the longest there is`,
      )
    return Math.min(time, most)
  }

  private bulkhead(scope: Scope): Plains | undefined {
    for (const directive of scope.all('limit_conn')) {
      const [zone = '', count = ''] = directive.args
      const isOwn = scope.own.includes(directive)
      if (isOwn && this.zones.get(zone) === '$server_name') return { maxConcurrent: Number(count) }
      const why = 'bulkhead bounds the requests of a route, not those of a client or of several locations'
      this.draft.leave(directive, `limit_conn ${directive.args.join(' ')}`, why)
    }
    return undefined
  }

  /** Where the upstream names itself, nginx puts in what the location is called; `rewrite.redirects: own` does the same. */
  private redirects(scope: Scope): 'off' | undefined {
    const said = scope.find('proxy_redirect')
    const [first] = said?.args ?? []
    if (said === undefined || first === 'default') return undefined
    if (first !== 'off') {
      const why = 'rewrite.redirects: own changes what names the endpoint itself, by the prefix that was taken away'
      this.draft.leave(said, `proxy_redirect ${said.args.join(' ')}`, why)
      return undefined
    }
    return 'off'
  }
}
