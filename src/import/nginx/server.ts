import type { Draft } from '../common/draft.ts'
import { type Listen, listensOf } from './listen.ts'
import type { Directive } from './parse.ts'
import { Scope } from './scope.ts'

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
    const names = namesOf(server.scope, draft)
    const isDefault = defaults.has(server.directive)
    if (isDroppedRedirect(server, servers)) {
      draft.leave(server.directive, 'server', 'its redirect to https belongs to where TLS ends')
      return []
    }
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
    return [{ ...server, hosts, name: names[0] }]
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

/** Sends to https what other servers serve there: once TLS ends in front, that would go round in circles. */
function isDroppedRedirect(
  { listens, scope }: { listens: readonly Listen[]; scope: Scope },
  servers: readonly { listens: readonly Listen[] }[],
): boolean {
  if (listens.some(({ tls }) => tls) || !servers.some((other) => other.listens.some(({ tls }) => tls))) return false
  const locations = scope.own.filter(({ name }) => name === 'location')
  const inner = locations.length === 1 && locations[0]?.args.at(-1) === '/' ? (locations[0].block ?? []) : scope.own
  if (locations.length > 1) return false
  return inner.some(
    ({ args, name }) =>
      (name === 'return' && /^https:\/\/\$(host|http_host|server_name)\$(request_uri|uri)/.test(args.at(-1) ?? '')) ||
      (name === 'rewrite' && /^https:\/\/\$(host|http_host|server_name)/.test(args[1] ?? '')),
  )
}
