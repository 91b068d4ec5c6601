import type { Draft } from '../common/draft.ts'
import { durationOf } from '../common/times.ts'
import type { Listen } from './listen.ts'
import type { Scope } from './scope.ts'

/** Where what came to a TLS port goes on to: this much above it, on this machine only. */
const PLAIN_OFFSET = 8000
const HIGHEST = 65_535

/**
 * Adds a listener for every address. Answers with the name of the one that each `listen` became; those that became none are
 * listed. TLS ends in front of Sluice, so that what comes by TLS gets a listener of its own on 127.0.0.1: what a server says
 * for one port is not true for another.
 */
export function addListeners(http: Scope, listens: readonly Listen[], draft: Draft): ReadonlyMap<Listen, string> {
  const timeouts = timeoutsOf(http, draft)
  const known = listens.filter((listen) => isKnown(listen, draft))
  const doors = [...Map.groupBy(known, ({ port }) => port)].flatMap(([, same]) => doorsOf(same, draft))
  const taken = new Set(doors.filter(({ tls }) => !tls).map(({ first }) => first.port))
  const names = new Map<Listen, string>()
  const add = (wanted: string, directive: Listen['directive'], listen: string): string =>
    draft.add('listeners', doors.length < 2 ? 'web' : wanted, { origin: directive, value: { listen, timeouts } })
  for (const { first, listens: own, tls } of doors) {
    const { directive, host, port } = first
    const address = tls ? `127.0.0.1:${freePort(port, taken)}` : `${host}:${port}`
    const name = add(`${tls ? 'tls' : 'port'}-${port}`, directive, address)
    for (const listen of own) {
      names.set(listen, name)
      const what = `listen ${listen.directive.args.join(' ')}`
      const why = `Sluice has no TLS listeners in this version; end TLS in front, send it on to ${address} and put who does so into trust.proxies`
      if (tls) draft.leave(listen.directive, what, why)
    }
  }
  const [first] = listens
  if (doors.length > 0 || first === undefined) return names
  // What only this machine could reach stays so.
  const name = add('web', first.directive, '127.0.0.1:8080')
  return new Map(listens.map((listen) => [listen, name]))
}

/** One address of the gateway, and the `listen` directives that it stands for. */
interface Door {
  readonly first: Listen
  readonly listens: readonly Listen[]
  readonly tls: boolean
}

function isKnown({ directive, host }: Listen, draft: Draft): boolean {
  const what = `listen ${directive.args.join(' ')}`
  if (directive.args.includes('proxy_protocol'))
    draft.leave(directive, what, 'the PROXY protocol is not in this version of Sluice')
  if (host === undefined) draft.leave(directive, what, 'only addresses with a port')
  return host !== undefined
}

/** Of one port. */
function doorsOf(listens: readonly Listen[], draft: Draft): readonly Door[] {
  const tls = listens[0]?.tls === true
  // [::] takes IPv4, too.
  const wide = listens.filter(isWide)
  const first = wide.find(({ host }) => host === '[::]') ?? wide[0]
  const narrow = [...Map.groupBy(listens, ({ host }) => host).values()].flatMap((own): Door[] => {
    const [one] = own
    return one === undefined || isWide(one) ? [] : [{ first: one, listens: own, tls }]
  })
  if (first === undefined) return narrow
  const all = { first, listens: wide, tls }
  if (tls) return [all, ...narrow]
  const why =
    'left out: a listener of Sluice takes every address of this port; give what belongs to one of them a port of its own'
  for (const { directive } of narrow.flatMap((door) => door.listens))
    draft.leave(directive, `listen ${directive.args.join(' ')}`, why)
  return [all]
}

function isWide({ host }: Listen): boolean {
  return host === '0.0.0.0' || host === '[::]'
}

function freePort(port: number, taken: Set<number>): number {
  let free = port + PLAIN_OFFSET > HIGHEST ? port - PLAIN_OFFSET : port + PLAIN_OFFSET
  while (taken.has(free)) free--
  taken.add(free)
  return free
}

function timeoutsOf(http: Scope, draft: Draft) {
  const keepAlive = http.find('keepalive_timeout')
  const timeouts = {
    headers: durationOf(http.word('client_header_timeout')),
    body: durationOf(http.word('client_body_timeout')),
    keepAlive: durationOf(keepAlive?.args[0]),
  }
  if (keepAlive?.args[0] === '0') draft.leave(keepAlive, 'keepalive_timeout 0', 'connections are always kept')
  return Object.values(timeouts).some((value) => value !== undefined) ? timeouts : undefined
}
