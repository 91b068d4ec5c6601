import type { LeanConfig, ListenerConfig } from '../../core/config.ts'
import type { Failure } from '../../core/failures.ts'
import { HeadGuard } from '../../data/ingress/common/guard.ts'
import { methodRefusal } from '../../data/ingress/common/methods.ts'
import { MemoryDownstream } from '../../data/ingress/memory.ts'
import { canonicalIp } from '../../lib/ip.ts'
import { byteString, escapeByte } from '../../lib/percent.ts'

/** A request to explain. */
export interface Asked {
  readonly method: string
  /** `http://api.example.com/orders?x=1`, or a path alone. The port chooses the listener; a fragment is never sent. */
  readonly url: string
  /** Flat: name, value, name, value, … A `host` among them takes the place of the URL's, else `localhost`. */
  readonly headers: readonly string[]
  /** Address that it comes from; matters where it is one of `trust.proxies`. */
  readonly from?: string | undefined
}

/** No client can send such a request; the message says why. */
export class AskedBadly extends Error {}

/** The request as the gateway gets it. `refusal`: what the listener answers itself. */
export interface Arrived {
  readonly downstream: MemoryDownstream
  readonly refusal: Failure | undefined
}

/** Documentation address (RFC 5737): never a proxy. */
const SOME_CLIENT = '192.0.2.1'
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const ABSOLUTE = /^https?:\/\/([^/?#\\]*)([^#]*)/i

/** Takes a request as a listener would: the same guard judges it. Throws {@link AskedBadly}. */
export function arrive({ method, url, headers, from = SOME_CLIENT }: Asked, config: LeanConfig): Arrived {
  checkForm(method, url, headers)
  const address = canonicalIp(from)
  if (address === undefined) throw new AskedBadly(`${JSON.stringify(from)} is not an IP address`)
  const [, authority = '', rest = url] = ABSOLUTE.exec(url) ?? []
  const sent = headers.map(byteString)
  const hasHost = sent.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
  const rawHeaders = hasHost ? sent : ['host', authority === '' ? 'localhost' : authority, ...sent]
  const target = escaped(rest.startsWith('?') || rest === '' ? `/${rest}` : rest)
  const listener = listenerOf(config, authority)
  const guard = new HeadGuard(listener.limits)
  const head = { method, url: target, httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders }
  const refusal = methodRefusal(method, listener.http1) ?? guard.judge(head)
  const peer = { address, port: 0, localPort: listener.port, secure: false, listener: listener.name }
  const { host, contentLength } = guard
  const facts = { method, target: guard.target, host, authority: guard.authority, headers: rawHeaders }
  return { downstream: new MemoryDownstream({ ...facts, peer, contentLength }), refusal }
}

/** Beyond ASCII as clients write it: parsers refuse those bytes in a request line. */
function escaped(target: string): string {
  return byteString(target).replace(/[\x80-\xff]/g, (byte) => escapeByte(byte.charCodeAt(0)))
}

function listenerOf({ listeners }: LeanConfig, authority: string): ListenerConfig {
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? 80)
  return (listeners.find((listener) => listener.port === port) ?? listeners[0]) as ListenerConfig
}

function checkForm(method: string, url: string, headers: readonly string[]): void {
  const bad = (what: string): never => {
    throw new AskedBadly(what)
  }
  if (!TOKEN.test(method)) bad(`${JSON.stringify(method)} is not a method such as GET`)
  if (!ABSOLUTE.test(url) && !/^[/*]/.test(url))
    bad(`${JSON.stringify(url)} is neither a URL such as http://api.example.com/orders nor a path such as /orders`)
  for (let i = 0; i < headers.length; i += 2) {
    const [name = '', value = ''] = headers.slice(i, i + 2)
    if (!TOKEN.test(name)) bad(`${JSON.stringify(name)} is not the name of a header field`)
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) bad(`the value of ${name} contains a control character`)
  }
}
