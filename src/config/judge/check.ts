import { isIP } from 'node:net'
import type { PathPattern } from '../../core/config.ts'
import { unixPath } from '../../lib/address.ts'
import { type Diagnostic, suggestion } from '../../schema/diagnostics.ts'
import { type Node, origin } from '../../schema/node.ts'
import { keyOf, nodeAt, type Path, pathText, placeOf, placeText } from '../../schema/path.ts'
import type { Marked } from '../../schema/walk.ts'
import type { Language } from '../language/language.ts'
import { BENEATH } from '../language/merge.ts'
import type { RootOptions } from '../language/root.ts'
import type { RouteOptions } from '../language/route.ts'
import type { UpstreamOptions } from '../language/upstream.ts'
import { balancingMistakes } from './balancing.ts'
import { badStandIns } from './stand-ins.ts'
import { findTies } from './ties.ts'

/** The name of something, where it was written. */
interface Reference {
  readonly at: Path
  readonly to: string
  readonly name: string
}

/**
 * Everything that no single key shows: references, ties, contradictions.
 *
 * @param tree what `root` was read from
 * @param found all that the schemas mark in it
 * @param open routes that a plug-in may answer which was not loaded
 */
export function checkRoot(
  root: RootOptions,
  tree: Node,
  found: readonly Marked[],
  language: Language,
  open: ReadonlySet<string>,
): readonly Diagnostic[] {
  const check = new Check(root, tree, found, language, open)
  check.run()
  return check.diagnostics
}

class Check {
  readonly diagnostics: Diagnostic[] = []
  private readonly root: RootOptions
  private readonly tree: Node
  private readonly language: Language
  private readonly marked: readonly Marked[]
  private readonly open: ReadonlySet<string>
  private readonly references: readonly Reference[]
  /** Upstreams that a route names. */
  private readonly leads: ReadonlyMap<string, readonly Reference[]>
  /** Keys of routes that name upstreams which take over. */
  private readonly alternating: ReadonlySet<string>

  constructor(root: RootOptions, tree: Node, found: readonly Marked[], language: Language, open: ReadonlySet<string>) {
    this.open = open
    this.root = root
    this.tree = tree
    this.language = language
    this.marked = found
    this.references = found.flatMap(({ mark, node, path }) =>
      mark.is === 'reference' && node.kind === 'scalar' ? [{ at: path, to: mark.to, name: node.text }] : [],
    )
    const ofRoutes = this.references.filter(({ at, to }) => to === 'upstream' && at[0] === 'routes')
    this.alternating = new Set(language.features.flatMap(({ alternates, name }) => (alternates ? [name] : [])))
    this.leads = Map.groupBy(ofRoutes, ({ at }) => String(at[1]))
  }

  run(): void {
    const { root } = this
    if (root.listeners.size === 0) this.error(['listeners'], 'no listener; at least one is needed')
    if (root.routes.size === 0) this.error(['routes'], 'no route; at least one is needed')
    this.addresses()
    this.admin()
    for (const [name, upstream] of root.upstreams) this.upstream(name, upstream)
    for (const [name, route] of root.routes) this.route(name, route)
    for (const { path, why } of badStandIns(this.marked)) this.error(path, why)
    for (const { first, second, why } of findTies(root.routes)) {
      const place = placeText(this.tree, ['routes', first], ['routes', second])
      this.errorAt(['routes', second], `ties with route ${first} (${place}): ${why}; give one of them a precedence`)
    }
    this.templates()
    this.ports()
    this.known()
  }

  private route(name: string, route: RouteOptions): void {
    const path = ['routes', name]
    const answers = this.language.features.filter((feature) => feature.answers === true)
    const written = answers.filter((feature) => route.features.of(feature) !== undefined)
    const ways = [...(route.to === undefined ? [] : ['to']), ...written.map((feature) => feature.name)]
    const names = ['to', ...answers.map((feature) => feature.name)]
    if (ways.length > 1 || (ways.length === 0 && !this.open.has(name))) {
      const found = ways.length === 0 ? 'none of them is set' : `${ways.join(' and ')} are set`
      this.errorAt(path, `a route needs exactly one of ${names.join(', ')}; ${found}`)
    }
    const leads = this.leads.get(name) ?? []
    this.distinct(leads.filter(({ at }) => at[2] === 'to'))
    const alternates = leads.filter(({ at }) => this.alternating.has(String(at[2])))
    this.distinct(alternates)
    for (const { at, name: upstream } of alternates) {
      if (route.to?.every((target) => target.upstream === upstream))
        this.error(at, `${JSON.stringify(upstream)} is where the route leads already`)
    }
  }

  private distinct(references: readonly Reference[]): void {
    const seen = new Set<string>()
    for (const { at, name } of references) {
      if (seen.has(name)) this.error(at, `${JSON.stringify(name)} is in this list already`)
      seen.add(name)
    }
  }

  /** Templates speak only of parameters that every path of the route has. */
  private templates(): void {
    for (const { mark, node, path } of this.marked) {
      if (mark.is !== 'template' || node.kind !== 'scalar') continue
      const route = path[0] === 'routes' ? this.root.routes.get(String(path[1])) : undefined
      for (const { name, written } of route === undefined ? [] : mark.params(node.text)) {
        const without = route?.match.map(({ paths }) => pathWithout(paths, name)).find((found) => found !== undefined)
        if (without !== undefined) this.error(path, `${written} is not a parameter of ${without}`)
      }
    }
  }

  /** Where an endpoint has no port, nothing can be asked at another one. */
  private ports(): void {
    for (const { mark, path } of this.marked) {
      if (mark.is !== 'endpointPort' || path[0] !== 'upstreams') continue
      const endpoints = this.root.upstreams.get(String(path[1]))?.endpoints ?? []
      const socket = 'kind' in endpoints ? undefined : endpoints.find(({ url }) => unixPath(url.host) !== undefined)
      if (socket !== undefined)
        this.error(
          path,
          `has no effect on ${socket.url.host}, which has no port and is asked over its socket; leave it out`,
        )
    }
  }

  private upstream(name: string, upstream: UpstreamOptions): void {
    const seen = new Map<string, number>()
    const listed = 'kind' in upstream.endpoints ? [] : upstream.endpoints
    for (const [i, { url }] of listed.entries()) {
      const id = `${url.scheme}://${url.host}:${url.port}`
      const before = seen.get(id)
      if (before !== undefined)
        this.error(['upstreams', name, 'endpoints', i], `the same endpoint as endpoints[${before}]`)
      else seen.set(id, i)
    }
    const { cert, key } = upstream.tls
    if ((cert === undefined) !== (key === undefined))
      this.error(
        ['upstreams', name, 'tls'],
        `cert and key go together; ${cert === undefined ? 'cert' : 'key'} is missing`,
      )
    for (const { path, message } of balancingMistakes(upstream, this.language.features))
      this.error(['upstreams', name, ...path], message)
  }

  private addresses(): void {
    for (const [name, { listen, mode }] of this.root.listeners) {
      if (mode !== undefined && unixPath(listen.host) === undefined)
        this.error(['listeners', name, 'mode'], `a mode belongs to unix: sockets; ${listen.host} has none`)
    }
    const taken: { readonly owner: string; readonly host: string; readonly port: number }[] = []
    const claim = (path: Path, host: string, port: number): void => {
      const socket = unixPath(host) !== undefined
      if (port === 0 && !socket) return
      const before = taken.find((other) => other.port === port && overlap(other.host, host))
      if (before === undefined) taken.push({ owner: pathText(path.slice(0, -1)), host, port })
      else if (before.host === host)
        this.error(path, `${socket ? host : `${host}:${port}`} is the address of ${before.owner} already`)
      else this.error(path, `port ${port} is taken by ${before.owner}, which listens on ${before.host}`)
    }
    for (const [name, { listen }] of this.root.listeners) claim(['listeners', name, 'listen'], listen.host, listen.port)
    claim(['admin', 'listen'], this.root.admin.listen.host, this.root.admin.listen.port)
    const { probes } = this.root
    if (probes !== undefined) claim(['probes', 'listen'], probes.listen.host, probes.listen.port)
  }

  private admin(): void {
    const { auth, listen, trustedProxyHeader } = this.root.admin
    const loopback = listen.host === '::1' || (isIP(listen.host) === 4 && listen.host.startsWith('127.'))
    if (auth === undefined && trustedProxyHeader === undefined && !loopback) {
      this.error(
        ['admin', 'listen'],
        `${listen.host} can be reached from other machines; that needs admin.auth (or listen on 127.0.0.1)`,
      )
    }
    const names = (auth?.tokens ?? []).map((token) => token.name)
    names.forEach((name, i) => {
      if (names.indexOf(name) !== i)
        this.error(['admin', 'auth', 'tokens', i, 'name'], `${JSON.stringify(name)} is the name of another token`)
    })
  }

  /**
   * References to names that the file does not define. Those below defaults and profiles are found where they are merged
   * in.
   */
  private known(): void {
    for (const { at, name, to } of this.references) {
      const collection = this.language.collections.find(({ of }) => of === to)
      if (collection === undefined || BENEATH.has(String(at[0]))) continue
      const entries = nodeAt(this.tree, [collection.key])
      const names = entries?.kind === 'map' ? entries.entries : new Map<string, unknown>()
      if (names.has(name)) continue
      const near = suggestion(name, names.keys())
      const known =
        names.size === 0 ? `the file has no ${to}s` : `known are ${[...names.keys()].slice(0, 10).join(', ')}`
      this.error(
        at,
        `there is no ${to} ${JSON.stringify(name)}; ${near === undefined ? known : `did you mean ${near}?`}`,
      )
    }
  }

  private error(path: Path, message: string): void {
    const node = nodeAt(this.tree, path)
    const said = node?.kind === 'scalar' && node.substituted !== undefined ? `${message} ${origin(node)}` : message
    this.diagnostics.push({ severity: 'error', at: placeOf(this.tree, path), path: pathText(path), message: said })
  }

  /** At the key itself. */
  private errorAt(path: readonly string[], message: string): void {
    this.diagnostics.push({ severity: 'error', at: keyOf(this.tree, path), path: pathText(path), message })
  }
}

/** The first path that lacks a parameter, for a message; undefined: none does. */
function pathWithout(paths: readonly PathPattern[], parameter: string): string | undefined {
  if (paths.length === 0) return 'its path: it may be any'
  const found = paths.find(
    (path) => path.kind !== 'segments' || !path.segments.some((one) => 'param' in one && one.param === parameter),
  )
  return found && `the path ${found.source}`
}

/** Both cannot be bound to the same port. */
function overlap(a: string, b: string): boolean {
  return a === b || [a, b].includes('::') || ([a, b].includes('0.0.0.0') && isIP(a) === isIP(b))
}
