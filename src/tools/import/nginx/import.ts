import { catchAlls, type HostPath } from '../common/catch-alls.ts'
import { Draft, type Plains, routeName } from '../common/draft.ts'
import { addDrain } from '../common/drain.ts'
import { precedences, tier } from '../common/ranks.ts'
import { millisecondsOf } from '../common/times.ts'
import { answerOf } from './answers.ts'
import type { DraftRoute } from './draft-route.ts'
import { addListeners } from './listeners.ts'
import { type Location, locationsOf, topLevel } from './locations.ts'
import { type IncludedFiles, NginxError, parseNginx } from './parse.ts'
import { Proxying, proxyDefaults } from './proxy.ts'
import { isRedirect, rewriteRedirect } from './redirects.ts'
import { closedWith } from './restrictions.ts'
import { Scope } from './scope.ts'
import { blocksOf, type Host, type Server, type ServerPlace, serversOf } from './server.ts'
import { bareRoutes, slashRoutes } from './slashes.ts'
import { listUnread } from './unread.ts'
import { Upstreams } from './upstreams.ts'

/** The longest `drain.timeout`, milliseconds. */
const MOST_DRAIN = 3_600_000

/** An nginx configuration as a Sluice file. Throws NginxError where it cannot be read. */
export function importNginx(file: string, text: string, files: IncludedFiles): Draft {
  const draft = new Draft()
  const main = new Scope(parseNginx(file, text, files), undefined)
  // A file of conf.d has servers and upstreams without their http.
  const block = main.own.find(({ name }) => name === 'http')
  const http = block === undefined ? main : new Scope(block.block ?? [], main)
  if (!http.own.some(({ name }) => name === 'server'))
    throw new NginxError({ file, line: 1 }, 'there is no server in it')
  listUnread(main.own, draft)
  addTop(main, http, draft)
  const blocks = blocksOf(http, draft)
  const listens = blocks.flatMap((block) => block.listens)
  const servers = serversOf(blocks, addListeners(http, listens, draft), draft)
  draft.top.pathPolicy = pathPolicyOf(servers)
  const proxying = new Proxying(http, new Upstreams(http, draft), draft)
  addRoutes(
    servers
      .filter(({ places }) => places.length > 0)
      .map((server) => ({ server, routes: routesOf(server, proxying, draft) })),
    draft,
  )
  const shutdown = millisecondsOf(main.word('worker_shutdown_timeout'))
  if (shutdown === undefined) addDrain(draft, MOST_DRAIN, 'drain.timeout cannot be longer')
  else addDrain(draft, Math.min(shutdown, MOST_DRAIN), 'nginx has this worker_shutdown_timeout')
  return draft
}

function addTop(main: Scope, http: Scope, draft: Draft): void {
  const workers = main.find('worker_processes')
  const count = workers?.args[0] ?? 'auto'
  if (/^([1-9]|1[0-6])$/.test(count)) draft.top.workers = Number(count)
  else if (workers !== undefined && count !== 'auto')
    draft.leave(workers, `worker_processes ${count}`, 'workers are 1 to 16')
  const { connect, read, when } = proxyDefaults(http)
  draft.top.defaults = {
    route: {
      timeouts: { request: read, idle: read, stream: read },
      retries: when === undefined ? 'off' : { when },
    },
    upstream: { timeouts: { connect }, loadBalancing: { algorithm: 'round-robin' } },
  }
}

/** nginx matches on the path with dots resolved and, unless it is told otherwise, slashes merged. */
function pathPolicyOf(servers: readonly Server[]): Plains {
  const kept = servers.filter(({ scope }) => scope.word('merge_slashes') === 'off').length
  const slashes = kept === 0 ? { slashes: 'merge' } : kept === servers.length ? { slashes: 'keep' } : {}
  return { dots: 'normalise', ...slashes }
}

function routesOf(server: Server, proxying: Proxying, draft: Draft): readonly DraftRoute[] {
  const { directive, scope } = server
  const whole: Location = { directive, scope, uri: '/', kind: 'prefix', paths: ['/*'], beyond: undefined, level: 0 }
  if (scope.own.some(({ name }) => name === 'return'))
    return [
      { origin: directive, uri: '/', paths: ['/*'], level: 0, keys: answerOf(scope, draft) as Plains, like: undefined },
    ]
  const locations = locationsOf(scope, draft)
  const most = Math.max(0, ...locations.map(({ level }) => level))
  const first = redirectRoutes(
    whole,
    locations,
    (paths) => {
      const hides = locations.some(({ uri }) => paths.some((path) => uri.startsWith(path.replace(/\/?\*$/, ''))))
      return most > 0 || hides ? most + 1 : 0
    },
    draft,
  )
  const routes = [
    ...first,
    ...locations.flatMap((location) => locationRoutes(location, locations, server, proxying, draft)),
  ]
  return distinct(routes).map((route) => {
    const model = routes.find(({ paths }) => paths === route.like?.paths)
    return model === undefined ? route : { ...route, keys: model.keys }
  })
}

/** Each path once in each level: what comes first in nginx stands first. */
function distinct(routes: readonly DraftRoute[]): readonly DraftRoute[] {
  const seen = new Set<string>()
  return routes.flatMap((route) => {
    const paths = route.paths.filter((path) => !seen.has(`${route.level} ${path}`))
    for (const path of paths) seen.add(`${route.level} ${path}`)
    return paths.length === 0 ? [] : [{ ...route, paths: paths.length === route.paths.length ? route.paths : paths }]
  })
}

function locationRoutes(
  location: Location,
  all: readonly Location[],
  server: Server,
  proxying: Proxying,
  draft: Draft,
): readonly DraftRoute[] {
  const { directive: origin, level, paths, scope, uri } = location
  const answer = answerOf(scope, draft)
  const redirects = answer === undefined ? redirectRoutes(location, all, () => level, draft) : []
  if (redirects.some((route) => route.paths === paths)) return redirects
  const keys = answer ?? proxying.keys(location, server) ?? { respond: { status: 501 } }
  const routes = [
    ...redirects,
    { origin, uri, paths, level, keys, like: undefined },
    ...slashRoutes(location, all, scope),
  ]
  // What is closed must not be open beside it.
  if (location.beyond === undefined || closedWith(scope) === undefined) return routes
  const top = topLevel(all)
  return [...routes, { origin, uri: `${uri}-beyond`, paths: [location.beyond], level: top, keys, like: undefined }]
}

/** Of `rewrite` directives of a block that redirect. `levelOf`: the level that some paths need. */
function redirectRoutes(
  { paths, scope }: Location,
  all: readonly Location[],
  levelOf: (paths: readonly string[]) => number,
  draft: Draft,
): readonly DraftRoute[] {
  // nginx chooses the location before it reads the rewrites in it.
  const others = all.filter((other) => other.scope !== scope)
  const isLocation = others.length < all.length
  return scope.own
    .filter((directive) => directive.name === 'rewrite' && isRedirect(directive))
    .flatMap((origin) => {
      const found = rewriteRedirect(origin, scope, draft)
      if (found === undefined) return []
      const { except, path, redirect } = found
      if (path !== undefined && isLocation && others.some((other) => other.paths.includes(path))) return []
      // One that takes what its location takes leaves nothing for the rest of it.
      const own = path === undefined || paths.includes(path) ? paths : [path]
      const level = levelOf(own)
      const route = { origin, uri: own[0] ?? '/', paths: own, level, keys: { redirect }, like: undefined }
      return except === undefined || own === paths ? [route] : [route, ...bareRoutes(except, all, origin, level)]
    })
}

function addRoutes(all: readonly { server: Server; routes: readonly DraftRoute[] }[], draft: Draft): void {
  const scopes = all.flatMap(({ routes, server }) =>
    server.places.flatMap(({ hosts }) =>
      hosts.map((host) => ({ host, levels: Math.max(0, ...routes.map(({ level }) => level)) })),
    ),
  )
  const precedence = precedences(scopes)
  if (precedence === undefined) {
    for (const { server } of all) draft.leave(server.directive, 'server', 'more levels than there are precedences')
    return
  }
  const taken: (HostPath & Pick<ServerPlace, 'listeners'>)[] = []
  for (const { routes, server } of all) {
    for (const { hosts, listeners } of server.places) {
      for (const tier of Map.groupBy(hosts, (host) => (host === undefined ? 'any' : precedence(host, 0))).values())
        for (const route of routes)
          add(route, { hosts: tier, listeners }, precedence(tier[0], route.level) || undefined, draft)
      // nginx has a server without locations, too.
      const isWhole = routes.some(({ paths }) => paths.includes('/*'))
      for (const host of hosts) taken.push({ host, isWhole, origin: server.directive, listeners })
    }
  }
  const rests = [...draft.listeners.keys()].flatMap((listener) =>
    catchAlls(taken.filter(({ listeners }) => listeners.includes(listener))).map((rest) => ({ ...rest, listener })),
  )
  for (const same of Map.groupBy(rests, ({ host, origin }) => `${host} ${origin.file}:${origin.line}`).values()) {
    const [{ host, origin }] = same as [(typeof rests)[number]]
    const route = { origin, uri: 'rest', paths: ['/*'], level: 0, keys: { respond: { status: 404 } }, like: undefined }
    const place = { hosts: [host], listeners: same.map(({ listener }) => listener) }
    add(route, place, precedence(host, 0) || undefined, draft)
  }
}

function add(
  { keys, origin, paths, uri }: DraftRoute,
  { hosts, listeners }: ServerPlace,
  precedence: number | undefined,
  draft: Draft,
): void {
  const [host, ...more] = hosts
  const [path, ...others] = paths
  const isEverywhere = listeners.length === draft.listeners.size
  const match = {
    listeners: isEverywhere ? undefined : listeners,
    ...(more.length === 0 ? { host } : { hosts: hosts as readonly string[] }),
    ...(others.length === 0 ? { path } : { paths }),
  }
  const named: Host = hosts.toSorted((a, b) => tier(b) - tier(a))[0]
  const name = routeName(named, uri)
  const wanted = draft.routes.has(name) && !isEverywhere ? `${name}-${listeners[0]}` : name
  draft.add('routes', wanted, { origin, value: { match, precedence, ...keys } })
}
