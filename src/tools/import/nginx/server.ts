import type { Draft } from '../common/draft.ts'
import { redirectCondition } from './conditions.ts'
import { type Listen, listensOf } from './listen.ts'
import type { Directive } from './parse.ts'
import { Scope } from './scope.ts'

/** A server block, or one of its redirects on a condition, and what it would take. */
export interface Block {
  readonly directive: Directive
  readonly scope: Scope
  readonly listens: readonly Listen[]
  /** Exact, or `*.` and a name. */
  readonly names: readonly string[]
  /** The first name as written, which `$server_name` stands for. */
  readonly name: string | undefined
}

/** Exact, `*.` and a name, or undefined for any. */
export type Host = string | undefined

/** Hosts that a server takes on the same listeners. */
export interface ServerPlace {
  readonly hosts: readonly Host[]
  readonly listeners: readonly string[]
}

/** A server block, and which hosts it takes on which listeners; none: no request reaches it. */
export interface Server extends Block {
  readonly places: readonly ServerPlace[]
}

/** In the order of the file; names that are none for Sluice are listed. */
export function blocksOf(http: Scope, draft: Draft): readonly Block[] {
  const servers = http.own
    .filter(({ block, name }) => name === 'server' && block !== undefined)
    .map((directive) => ({ directive, listens: listensOf(directive) }))
  // nginx speaks TLS on a port as soon as one of its servers says so.
  const tls = new Set(servers.flatMap(({ listens }) => listens.filter((listen) => listen.tls).map(({ port }) => port)))
  return servers.flatMap(({ directive, listens }) => {
    const scope = new Scope(directive.block as readonly Directive[], http)
    const names = namesOf(scope, draft)
    const all = listens.map((listen) => ({ ...listen, tls: tls.has(listen.port) }))
    return parts({ directive, scope, listens: all, names, name: names[0] })
  })
}

/** What is left of a server, and its redirects on a condition as servers of their own. */
function parts(whole: Block): readonly Block[] {
  let rest = whole
  const redirects = whole.scope.own.flatMap((directive): Block[] => {
    const condition = redirectCondition(directive, whole.scope.own)
    if (condition === undefined) return []
    const part = { ...rest, directive, scope: new Scope(directive.block ?? [], whole.scope) }
    if ('plain' in condition) {
      const [plain, tls] = [rest.listens.filter((listen) => !listen.tls), rest.listens.filter(({ tls }) => tls)]
      rest = { ...rest, listens: tls }
      return [{ ...part, listens: plain }]
    }
    const others = rest.names.filter((name) => name !== condition.host)
    const isLeft = others.length < rest.names.length
    rest = { ...rest, names: others }
    return isLeft ? [{ ...part, names: [condition.host] }] : []
  })
  // First what is left: a part is no default server.
  return [rest, ...redirects]
}

/**
 * All servers with the hosts that are left for them; what is not is listed. `listeners`: the name of the listener that each
 * `listen` became, if any.
 */
export function serversOf(
  blocks: readonly Block[],
  listeners: ReadonlyMap<Listen, string>,
  draft: Draft,
): readonly Server[] {
  const defaults = defaultBlocks(blocks, listeners)
  const taken = new Map<string, Directive>()
  return blocks.map((block) => {
    const { directive, listens, names } = block
    const found = new Map<Host, string[]>()
    for (const listener of new Set(listens.flatMap((listen) => listeners.get(listen) ?? []))) {
      const own = [...new Set(names)].filter((name) => {
        const other = taken.get(`${listener} ${name}`)
        if (other === undefined) taken.set(`${listener} ${name}`, directive)
        else draft.leave(directive, `server for ${name}`, `nginx ignores this, too: line ${other.line} takes it`)
        return other === undefined
      })
      const isDefault = defaults.get(listener) === block
      // A default server takes any host, its own names too, unless a wildcard would come before.
      const hosts = isDefault ? [undefined, ...own.filter((name) => isCovered(name, blocks, block))] : own
      for (const host of hosts) found.set(host, [...(found.get(host) ?? []), listener])
    }
    const places = Map.groupBy(found, ([, at]) => at.join())
    return {
      ...block,
      places: [...places.values()].map((same) => ({
        hosts: same.map(([host]) => host),
        listeners: same[0]?.[1] ?? [],
      })),
    }
  })
}

/** Of each listener the first, or the one that says so. */
function defaultBlocks(blocks: readonly Block[], listeners: ReadonlyMap<Listen, string>): ReadonlyMap<string, Block> {
  const found = new Map<string, { block: Block; said: boolean }>()
  for (const block of blocks) {
    for (const listen of block.listens) {
      const listener = listeners.get(listen)
      const known = listener === undefined ? undefined : found.get(listener)
      if (listener !== undefined && (known === undefined || (listen.isDefault && !known.said)))
        found.set(listener, { block, said: listen.isDefault })
    }
  }
  return new Map([...found].map(([listener, { block }]) => [listener, block]))
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

function isCovered(host: string, blocks: readonly Block[], own: Block): boolean {
  return blocks.some(
    (block) => block !== own && block.names.some((name) => name.startsWith('*.') && host.endsWith(name.slice(1))),
  )
}
