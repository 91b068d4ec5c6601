import type { Diagnostic } from '../../../schema/diagnostics.ts'
import { catchAlls } from '../common/catch-alls.ts'
import { Draft, type Plains, routeName } from '../common/draft.ts'
import { addDrain } from '../common/drain.ts'
import { precedences } from '../common/ranks.ts'
import { type IngressClaim, ingressClaims, settingsOf } from './claims.ts'
import { type ConvertedPath, convertPath } from './paths.ts'
import { type Backend, type Ingress, readIngresses } from './read.ts'
import { ROUTE_DEFAULTS, type Settings, timeoutsOf } from './settings.ts'

/** Its worker-shutdown-timeout, milliseconds. */
const SHUTDOWN = 240_000

type Precedence = NonNullable<ReturnType<typeof precedences>>

interface Route extends IngressClaim {
  readonly converted: ConvertedPath
}

/** Kubernetes Ingresses (ingress-nginx) as a Sluice file; or why they cannot be read. */
export function importIngress(file: string, text: string): Draft | readonly Diagnostic[] {
  const draft = new Draft()
  const read = readIngresses(file, text, draft)
  if (read.some((item) => 'severity' in item)) return read as readonly Diagnostic[]
  const ingresses = read as readonly Ingress[]
  draft.top.defaults = {
    route: ROUTE_DEFAULTS,
    upstream: { timeouts: { connect: '5s' }, loadBalancing: { algorithm: 'round-robin' } },
  }
  draft.add('listeners', 'web', { origin: ingresses[0] ?? { file, line: 1 }, value: { listen: '0.0.0.0:8080' } })
  new IngressImport(draft, ingresses).run()
  addDrain(draft, SHUTDOWN, 'ingress-nginx waits no longer')
  return draft
}

class IngressImport {
  private readonly draft: Draft
  private readonly ingresses: readonly Ingress[]
  private readonly upstreams = new Map<string, string>()
  private readonly profiles = new Map<Settings, string>()
  /** Lines of paths that are routes already. */
  private readonly taken = new Map<string, number>()
  private readonly severalNamespaces: boolean

  constructor(draft: Draft, ingresses: readonly Ingress[]) {
    this.draft = draft
    this.ingresses = ingresses
    this.severalNamespaces = new Set(ingresses.map(({ namespace }) => namespace)).size > 1
  }

  run(): void {
    const { draft } = this
    const all = this.ingresses.map((ingress) => ({ ingress, settings: settingsOf(ingress, draft) }))
    for (const { ingress } of all) this.tls(ingress)
    const main = all.filter(({ settings }) => !settings.canary.on)
    const claims = this.distinct(main.flatMap(({ ingress, settings }) => ingressClaims(ingress, settings)))
    const routes = claims.flatMap((claim) => this.converted(claim))
    const canaries = all
      .filter(({ settings }) => settings.canary.on)
      .flatMap(({ ingress, settings }) => ingressClaims(ingress, settings))
      .filter((canary) => this.hasMain(canary, routes))
    const levels = new Map([...Map.groupBy(routes, ({ host }) => host)].map(([host, own]) => [host, levelsOf(own)]))
    const scopes = [...levels].map(([host, own]) => ({ host, levels: Math.max(...own.values()) }))
    const precedence = precedences(scopes)
    if (precedence === undefined) {
      for (const route of routes)
        this.leave(route, 'more regular expressions than there are precedences; split the file')
      return
    }
    for (const route of routes) {
      const at = precedence(route.host, levels.get(route.host)?.get(route) as number)
      this.emitRoute(
        route,
        at || undefined,
        canaries.filter((canary) => isSamePlace(route, canary)),
      )
    }
    const top = (host: string | undefined): number =>
      precedence(host, scopes.find((scope) => scope.host === host)?.levels ?? 0)
    for (const { ingress, settings } of main) this.hostRedirects(ingress, settings, routes, top)
    this.rest(routes, precedence)
  }

  /** The name of the profile that holds what its routes have in common; undefined: nothing. */
  private profile({ file, line, name, namespace }: Ingress, settings: Settings): string | undefined {
    const timeouts = timeoutsOf(settings)
    const retries = settings.retriesOff ? 'off' : some(settings.retries)
    if (timeouts === undefined && retries === undefined) return undefined
    const wanted = this.severalNamespaces ? `${namespace}-${name}` : name
    const known =
      this.profiles.get(settings) ??
      this.draft.add('profiles', wanted, { origin: { file, line }, value: { timeouts, retries } })
    this.profiles.set(settings, known)
    return known
  }

  private tls({ file, tls }: Ingress): void {
    if (tls === undefined) return
    const why = 'Sluice has no TLS listeners in this version; end TLS in front, and redirect from http there'
    this.draft.leave({ file, line: tls }, 'spec.tls', why)
  }

  private distinct(claims: readonly IngressClaim[]): readonly IngressClaim[] {
    const seen = new Map<string, IngressClaim>()
    for (const claim of claims) {
      const { host, ingress, path } = claim
      const key = `${host} ${path.path} ${path.type === 'Exact'}`
      const first = seen.get(key)
      if (first === undefined) seen.set(key, claim)
      else
        this.draft.leave(
          { file: ingress.file, line: path.line },
          `path ${path.path}`,
          `line ${first.path.line} takes it`,
        )
    }
    return [...seen.values()]
  }

  private converted(claim: IngressClaim): readonly Route[] {
    const { ingress, path, settings } = claim
    const at = { file: ingress.file, line: path.line }
    const converted = convertPath(path, settings)
    if ('problem' in converted) {
      const closed = settings.closed === 403 ? '; the Ingress turns requests away here, Sluice does not' : ''
      this.draft.leave(at, `path ${path.path}`, converted.problem + closed)
      return []
    }
    const key = `${claim.host} ${converted.path}`
    const first = this.taken.get(key)
    if (first !== undefined) {
      this.draft.leave(at, `path ${path.path}`, `line ${first} takes it, since Sluice matches whole segments`)
      return []
    }
    this.taken.set(key, path.line)
    if (converted.differs !== undefined) this.draft.leave(at, `path ${path.path}`, converted.differs)
    return [{ ...claim, converted }]
  }

  private hasMain(canary: IngressClaim, routes: readonly Route[]): boolean {
    const { ingress, path } = canary
    const main = routes.some((route) => isSamePlace(route, canary))
    const why = 'no other Ingress has this host and path, so there is nothing to take a share of'
    if (main && path.backend !== undefined) return true
    this.draft.leave(
      { file: ingress.file, line: path.line },
      `canary for ${path.path}`,
      main ? 'its backend is no Service' : why,
    )
    return false
  }

  /** What no path takes must not fall to a less specific host. */
  private rest(routes: readonly Route[], precedence: Precedence): void {
    const paths = routes.map(({ converted, host, ingress, path }) => ({
      host,
      isWhole: converted.path === '/*',
      origin: { file: ingress.file, line: path.line },
    }))
    for (const { host, origin } of catchAlls(paths)) {
      const match = { host, path: '/*' }
      const value = { match, precedence: precedence(host, 0) || undefined, respond: { status: 404 } }
      this.draft.add('routes', routeName(host, 'rest'), { origin, value })
    }
  }

  private emitRoute(route: Route, precedence: number | undefined, canaries: readonly IngressClaim[]): void {
    const { converted, host, ingress, path, settings } = route
    const origin = { file: ingress.file, line: path.line }
    const name = routeName(host, path.path)
    const match = { host, path: converted.path }
    const answer = this.answer(route)
    if (answer !== undefined) {
      this.draft.add('routes', name, { origin, value: { match, precedence, ...answer } })
      return
    }
    const main = this.upstream(ingress, path.backend as Backend, settings)
    const [canary] = canaries
    const split = canary === undefined ? undefined : this.split(main, canary)
    const rest = { use: this.profile(ingress, settings), ...routeKeys(settings, converted) }
    this.draft.add('routes', name, { origin, value: { match, precedence, to: split?.to ?? main, ...rest } })
    for (const { headers, to } of split?.byHeader ?? [])
      this.draft.add('routes', `${name}-canary`, {
        origin: { file: ingress.file, line: (canary as IngressClaim).path.line },
        value: { match: { ...match, headers }, precedence, to, ...rest },
      })
  }

  /** What answers in the place of an upstream. */
  private answer({ ingress, path, settings }: Route): Plains | undefined {
    if (settings.closed !== undefined) return { respond: { status: settings.closed } }
    if (settings.redirect !== undefined)
      return { redirect: { ...settings.redirect, status: settings.redirectStatus ?? settings.redirect.status } }
    if (path.backend !== undefined) return undefined
    this.draft.leave({ file: ingress.file, line: path.line }, `path ${path.path}`, 'its backend is no Service')
    return { respond: { status: 501 } }
  }

  private split(main: string, { ingress, path, settings }: IngressClaim) {
    const { canary } = settings
    const to = this.upstream(ingress, path.backend as Backend, settings)
    const weight = Math.min(canary.weight, canary.total)
    const weighted = [
      { upstream: main, weight: canary.total - weight },
      { upstream: to, weight },
    ]
    const { header, pattern, value } = canary
    const byHeader: { headers: Plains; to: string }[] = []
    if (header !== undefined) {
      if (value !== undefined) byHeader.push({ headers: { [header]: { exact: value } }, to })
      else if (pattern !== undefined) byHeader.push({ headers: { [header]: { regex: `.*(?:${pattern}).*` } }, to })
      else
        byHeader.push(
          { headers: { [header]: { exact: 'always' } }, to },
          { headers: { [header]: { exact: 'never' } }, to: main },
        )
    }
    return { to: weight === 0 ? main : weighted.filter((target) => target.weight > 0), byHeader }
  }

  /** The name of the upstream for a Service; made at first use. */
  private upstream(ingress: Ingress, { line, port, service }: Backend, settings: Settings): string {
    const { loadBalancing, scheme, upstream } = settings
    const { namespace } = ingress
    const isNumber = /^\d+$/.test(port)
    const dns = isNumber ? `${service}.${namespace}.svc:${port}` : `_${port}._tcp.${service}.${namespace}.svc`
    const endpoints = {
      dns,
      type: isNumber ? undefined : 'srv',
      scheme: scheme === 'https' ? scheme : undefined,
    }
    const more = Object.keys(loadBalancing).length === 0 ? {} : { loadBalancing }
    const value = { endpoints, ...upstream, ...more } as Plains
    const key = JSON.stringify(value)
    const known = this.upstreams.get(key)
    if (known !== undefined) return known
    const wanted = this.severalNamespaces ? `${namespace}-${service}` : service
    const name = this.draft.add('upstreams', this.draft.upstreams.has(wanted) ? `${wanted}-${port}` : wanted, {
      origin: { file: ingress.file, line },
      value,
    })
    this.upstreams.set(key, name)
    return name
  }

  private hostRedirects(
    ingress: Ingress,
    settings: Settings,
    routes: readonly Route[],
    top: (host: string | undefined) => number,
  ): void {
    const taken = (host: string | undefined, path?: string): boolean =>
      routes.some((route) => route.host === host && (path === undefined || route.converted.path === path))
    for (const { host, line } of ingress.rules) {
      const origin = { file: ingress.file, line }
      const most = top(host) || undefined
      if (settings.appRoot !== undefined && !taken(host, '/')) {
        const redirect = { path: settings.appRoot, status: 302 }
        const value = { match: { host, path: '/' }, precedence: most, redirect }
        this.draft.add('routes', routeName(host, 'app-root'), { origin, value })
      }
      if (!settings.wwwRedirect || host === undefined || host.startsWith('*.')) continue
      const other = host.startsWith('www.') ? host.slice(4) : `www.${host}`
      if (taken(other)) continue
      const value = {
        match: { host: other },
        precedence: top(other) || undefined,
        redirect: { host, status: 308 },
      }
      this.draft.add('routes', routeName(other, 'redirect'), { origin, value })
    }
  }

  private leave({ ingress, path }: Route, why: string): void {
    this.draft.leave({ file: ingress.file, line: path.line }, `path ${path.path}`, why)
  }
}

function routeKeys({ host, requestHeaders }: Settings, { rewrite }: ConvertedPath): Plains {
  const rewritten = some({ ...rewrite, ...(host === undefined ? {} : { host }) })
  const set = some(requestHeaders)
  return { rewrite: rewritten, headers: set === undefined ? undefined : { request: { set } } }
}

function some<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value
}

function isSamePlace(a: IngressClaim, b: IngressClaim): boolean {
  return a.host === b.host && a.path.path === b.path.path && (a.path.type === 'Exact') === (b.path.type === 'Exact')
}

/** Once one path of a host is a regular expression, ingress-nginx asks the longer ones first. */
function levelsOf(routes: readonly Route[]): ReadonlyMap<Route, number> {
  if (!routes.some(({ converted }) => converted.isRegex)) return new Map(routes.map((route) => [route, 0]))
  const sorted = routes.toSorted((a, b) => a.path.path.length - b.path.path.length)
  return new Map(sorted.map((route, i) => [route, route.path.type === 'Exact' ? sorted.length : i]))
}
