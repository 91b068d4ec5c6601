import type { TransportRequest } from '../../../core/transport.ts'
import { isValue } from '../../../http/wire/sendable.ts'
import { isNamed } from '../../../lib/headers.ts'

/** Methods whose requests send `content-length: 0` if they have no body (RFC 9110 section 8.6). */
function expectsBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

/**
 * The head of a request, one character per octet. `undefined`: something in it would break out of its line or is not latin1
 * (of which the socket would write the low octet only, and U+010A is a line feed then), or names the framing, which is
 * ours.
 */
export function requestHead(request: TransportRequest): string | undefined {
  const { method, target, authority, headers, contentLength, upgrade } = request
  if (!isTarget(target) || !isValue(method) || !isValue(authority)) return undefined
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    if (isOurs(name) || !isValue(name) || !isValue(value)) return undefined
    // biome-ignore lint/style/useTemplate: a template calls ToString for each of its parts
    head += name + ': ' + value + '\r\n'
    // RFC 9110 section 10.1.4: TE belongs to this connection only, and has to say so.
    if (isNamed(name, 'te')) head += 'connection: te\r\n'
  }
  if (upgrade !== undefined) {
    if (contentLength !== 0 || !isValue(upgrade)) return undefined
    head += `connection: upgrade\r\nupgrade: ${upgrade}\r\n`
  }
  if (contentLength > 0) return `${head}content-length: ${contentLength}\r\n\r\n`
  if (contentLength === -1) return `${head}transfer-encoding: chunked\r\n\r\n`
  return expectsBody(method) ? `${head}content-length: 0\r\n\r\n` : `${head}\r\n`
}

/** `host`, `connection`, `content-length`, `transfer-encoding`, `upgrade`: written here, never taken over. */
function isOurs(name: string): boolean {
  switch (name.length) {
    case 4:
      return isNamed(name, 'host')
    case 7:
      return isNamed(name, 'upgrade')
    case 10:
      return isNamed(name, 'connection')
    case 14:
      return isNamed(name, 'content-length')
    case 17:
      return isNamed(name, 'transfer-encoding')
    default:
      return false
  }
}

/** A blank would end the target early. */
function isTarget(target: string): boolean {
  for (let i = 0; i < target.length; i++) if (target.charCodeAt(i) <= 0x20) return false
  return target.length > 0 && isValue(target)
}
