import { isIP } from 'node:net'

/** An address in the file system, where others have an IP address: `unix:` and an absolute path. It has no port. */
const UNIX = 'unix:'

/** The address of a peer that came over such a socket: it has none of its own. */
export const UNIX_PEER = 'unix'

/** The system takes 107 (sockaddr_un), and a socket is bound in a folder beside first. */
const MOST_BYTES = 90

/** Path of the socket; undefined: `host` is none. */
export function unixPath(host: string): string | undefined {
  return host.startsWith(UNIX) ? host.slice(UNIX.length) : undefined
}

export function unixHost(path: string): string {
  return `${UNIX}${path}`
}

/** What is wrong with the path of `host`, which is one of a socket. */
export function unixProblem(host: string): string | undefined {
  const path = host.slice(UNIX.length)
  if (!path.startsWith('/')) return 'the path of a socket is absolute, such as unix:/run/app.sock'
  if (path.endsWith('/') || /[\0-\x20\x7f?#]|\/\.{0,2}\/|\/\.{1,2}$/.test(path))
    return 'the path names a file, without spaces and without . or .. in it'
  if (Buffer.byteLength(path) > MOST_BYTES) return `the path of a socket takes at most ${MOST_BYTES} bytes`
  return undefined
}

/** It is a name, which stands for addresses. */
export function isHostName(host: string): boolean {
  return isIP(host) === 0 && unixPath(host) === undefined
}

/** Host and port as they are written. */
export function addressText(host: string, port: number): string {
  if (unixPath(host) !== undefined) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The same with its scheme, which a socket with a path needs none of. */
export function endpointText(scheme: string, host: string, port: number): string {
  const text = addressText(host, port)
  return unixPath(host) === undefined ? `${scheme}://${text}` : text
}
