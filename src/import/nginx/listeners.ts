import type { Draft } from '../common/draft.ts'
import type { Listen } from './listen.ts'
import { durationOf, type Scope } from './scope.ts'
import type { Server } from './server.ts'

/** Adds a listener for every address; those with TLS and those that Sluice does not know are listed. */
export function addListeners(http: Scope, servers: readonly Server[], draft: Draft): void {
  const plain: Listen[] = []
  for (const listen of servers.flatMap(({ listens }) => listens)) {
    const { directive, host, tls } = listen
    const what = `listen ${directive.args.join(' ')}`
    if (host === undefined) draft.leave(directive, what, 'only addresses with a port')
    else if (tls)
      draft.leave(
        directive,
        what,
        'Sluice has no TLS listeners in this version; end TLS in front and send it to another listener',
      )
    else plain.push(listen)
    if (directive.args.includes('proxy_protocol'))
      draft.leave(directive, what, 'the PROXY protocol is not in this version of Sluice')
  }
  const timeouts = timeoutsOf(http, draft)
  const any = Map.groupBy(plain, ({ port }) => port)
  for (const [port, listens] of any) {
    // One that takes every address leaves nothing for others, and [::] takes IPv4, too.
    const wide = listens.find(({ host }) => host === '[::]') ?? listens.find(({ host }) => host === '0.0.0.0')
    for (const { directive, host } of wide === undefined ? distinct(listens) : [wide])
      draft.add('listeners', any.size === 1 && wide !== undefined ? 'web' : `port-${port}`, {
        origin: directive,
        value: { listen: `${host}:${port}`, timeouts },
      })
  }
  const [first] = servers
  if (plain.length === 0)
    draft.add('listeners', 'web', {
      origin: first?.directive ?? { file: 'nginx', line: 1 },
      value: { listen: '0.0.0.0:80', timeouts },
    })
  otherPorts(servers, draft)
}

function distinct(listens: readonly Listen[]): readonly Listen[] {
  return [...new Map(listens.map((listen) => [listen.host, listen])).values()]
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

/** Routes of Sluice do not know through which listener a request came. */
function otherPorts(servers: readonly Server[], draft: Draft): void {
  const portsOf = ({ listens }: Server): string => {
    const addresses = listens
      .filter(({ tls }) => !tls)
      .map(({ host, port }) => `${host === '[::]' ? '0.0.0.0' : host}:${port}`)
    return [...new Set(addresses)].toSorted().join()
  }
  const [first, ...more] = servers.filter(({ listens }) => listens.some(({ tls }) => !tls))
  for (const server of more) {
    if (first === undefined || portsOf(server) === portsOf(first)) continue
    draft.leave(server.directive, 'server', 'carried over, but routes of Sluice serve all listeners, not only its own')
  }
}
