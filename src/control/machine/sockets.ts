import { createServer, type ListenOptions, type Server } from 'node:net'
import { addressText, unixPath } from '../../lib/address.ts'
import { portHolders } from './port-holders.ts'

/** An address that cannot be listened on. The message is for operators: address, port, reason, and what to change. */
export class ListenFailed extends Error {
  /** System error code, such as EADDRINUSE. */
  readonly code: string

  /** `key`: where the address stands in the config, such as `listeners.web.listen`. */
  constructor(host: string, port: number, key: string, code: string) {
    super(
      `${key}: cannot listen on ${addressText(host, port)}: ${unixPath(host) === undefined ? reasonOf(code, port) : unixReason(code)}; change ${key}`,
    )
    this.code = code
  }
}

/**
 * Binds once without `reusePort` and lets go again: a second bind with it would silently share the port with another
 * process. Rejects with {@link ListenFailed}.
 */
export async function checkAddress(host: string, port: number, key: string): Promise<void> {
  try {
    await close(await bind({ host, port, exclusive: true }))
  } catch (error) {
    throw new ListenFailed(host, port, key, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
}

/**
 * The same where listeners of ours may hold the port, on this address or on others, still or not yet closed: they share it
 * with the one to come. `listening`: one of ours is known to. The system's tables are read for that, not tested by a bind:
 * a socket that listens for a moment would get connections, and break them.
 */
export async function checkShared(host: string, port: number, key: string, listening: boolean): Promise<void> {
  try {
    await checkAddress(host, port, key)
  } catch (error) {
    const holders = (error as ListenFailed).code === 'EADDRINUSE' ? await portHolders(port) : 'others'
    if (holders === 'others' || (holders === 'unknown' && !listening)) throw error
  }
}

/** Whether this system lets several sockets share a port and spreads connections over them. */
export async function reusePortWorks(): Promise<boolean> {
  try {
    await close(await bind({ host: '127.0.0.1', port: 0, reusePort: true }))
    return true
  } catch {
    return false
  }
}

function bind(options: ListenOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(options, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function reasonOf(code: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is in use`
    case 'EACCES':
      return `no permission for port ${port}`
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return 'this machine does not have that address'
    default:
      return code
  }
}

function unixReason(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another process answers on it'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'no permission to make it'
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder does not exist'
    case 'ENOTSOCK':
      return 'there is a file that is no socket'
    default:
      return code
  }
}
