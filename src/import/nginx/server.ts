import type { Draft } from '../common/draft.ts'
import { type Listen, listensOf } from './listen.ts'
import type { Directive } from './parse.ts'
import { Scope } from './scope.ts'

const TLS_REDIRECT = 'its redirect to https belongs to where TLS ends'

/** A server block, and which hosts it takes. */
export interface Server {
  readonly directive: Directive
  readonly scope: Scope
  readonly listens: readonly Listen[]
  /** Exact, `*.` and a name, or undefined for any; none: nobody gets here. */
  readonly hosts: readonly (string | undefined)[]
  /** The first name, as `$server_name` has it. */
  readonly name: string | undefined
}

/** All servers of an http block with the hosts that are left for them; what is not is listed. */
export function serversOf(http: Scope, draft: Draft): readonly Server[] {
  const blocks = http.own.filter(({ block, name }) => name === 'server' && block !== undefined)
  const servers = blocks.map((directive) => ({
    directive,
    scope: new Scope(directive.block as readonly Directive[], http),
    listens: listensOf(directive),
  }))
  const defaults = defaultServers(servers)
  const taken = new Map<string | undefined, Directive>()
  return servers.flatMap((server) => {
    const all = namesOf(server.scope, draft)
    const isDefault = defaults.has(server.directive)
    const to = httpsTarget(server, servers)
    if (to?.startsWith('$') === true) {
      draft.leave(server.directive, 'server', TLS_REDIRECT)
      return []
    }
    // The server with TLS has this name.
    const names = all.filter((name) => name !== to)
    if (names.length < all.length) draft.leave(server.directive, `server for ${to}`, TLS_REDIRECT)
    if (names.length === 0 && all.length > 0 && !isDefault) return []
    // A default server takes any host, its own names too, unless a wildcard would come before.
    const any = isDefault ? taken.get(undefined) : undefined
    if (any !== undefined)
      draft.leave(
        server.directive,
        'server for any host',
        `line ${any.line} takes it; routes of Sluice serve all listeners`,
      )
    const covered = names.filter((name) => isCovered(name, servers, server.directive))
    const wanted = isDefault && any === undefined ? [undefined, ...covered] : names
    // Its names are taken even where any host stands for them.
    const own = [...new Set([...wanted, ...names])].filter((host) => {
      const other = taken.get(host)
      if (other === undefined) taken.set(host, server.directive)
      else
        draft.leave(
          server.directive,
          `server for ${host}`,
          `line ${other.line} takes it; routes of Sluice serve all listeners`,
        )
      return other === undefined
    })
    const hosts = wanted.filter((host) => own.includes(host))
    return [{ ...server, hosts, name: all[0] }]
  })
}

/** The first of each port, or the one that says so. */
function defaultServers(
  servers: readonly { directive: Directive; listens: readonly Listen[] }[],
): ReadonlySet<Directive> {
  const ports = new Map<number, { directive: Directive; said: boolean }>()
  for (const { directive, listens } of servers) {
    for (const { isDefault, port } of listens) {
      const known = ports.get(port)
      if (known === undefined || (isDefault && !known.said)) ports.set(port, { directive, said: isDefault })
    }
  }
  return new Set([...ports.values()].map(({ directive }) => directive))
}

function namesOf(scope: Scope, draft: Draft): string[] {
  return scope.own
    .filter(({ name }) => name === 'server_name')
    .flatMap((directive) =>
      directive.args.flatMap((written) => {
        const name = written.toLowerCase()
        if (name === '' || name === '_' || name === 'localhost.localdomain') return []
        if (/^\.[\w.-]+$/.test(name)) return [name.slice(1), `*${name}`]
        if (/^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(name) || /^\[[0-9a-f:]+\]$/.test(name)) return [name]
        const why = name.startsWith('~') ? 'hosts are no regular expressions' : '* stands only at the start of a host'
        draft.leave(directive, `server_name ${written}`, why)
        return []
      }),
    )
}

function isCovered(host: string, servers: readonly { scope: Scope; directive: Directive }[], own: Directive): boolean {
  return servers.some(
    ({ directive, scope }) =>
      directive !== own &&
      scope.own.some(
        ({ args, name }) =>
          name === 'server_name' &&
          args.some((other) => /^\*?\./.test(other) && `.${host}`.endsWith(other.replace(/^\*/, '').toLowerCase())),
      ),
  )
}

/**
 * Where a server without TLS sends all of its requests by https: a variable of nginx or a host. Undefined: nowhere, or no
 * other server has TLS. Once TLS ends in front, what leads back to the same host would go round in circles.
 */
function httpsTarget(
  { listens, scope }: { listens: readonly Listen[]; scope: Scope },
  servers: readonly { listens: readonly Listen[]; scope: Scope }[],
): string | undefined {
  if (listens.some(({ tls }) => tls) || !servers.some((other) => other.listens.some(({ tls }) => tls))) return undefined
  const locations = scope.own.filter(({ name }) => name === 'location')
  if (locations.length > 1) return undefined
  const inner = locations[0]?.args.at(-1) === '/' ? (locations[0].block ?? []) : scope.own
  const target = inner.find(
    ({ args, name }) => name === 'return' || (name === 'rewrite' && /^\^?(\/?\(\.\*\)\$?)?$/.test(args[0] ?? '')),
  )
  const url = target?.name === 'return' ? target.args.at(-1) : target?.args[1]
  const to = /^https:\/\/(\$(?:host|http_host|server_name)|[\w.-]+)(?=[/$]|$)/.exec(url ?? '')?.[1]
  const hasName = ({ args, name }: Directive): boolean => name === 'server_name' && args.includes(to ?? '')
  const served = servers.some((other) => other.listens.some(({ tls }) => tls) && other.scope.own.some(hasName))
  return to?.startsWith('$') === true || served ? to : undefined
}
