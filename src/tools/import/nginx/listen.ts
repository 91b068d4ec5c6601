import type { Directive } from './parse.ts'

/** A `listen` of a server. */
export interface Listen {
  readonly directive: Directive
  /** Numeric; undefined: a Unix socket, or a name that is no address. */
  readonly host: string | undefined
  readonly port: number
  /** Of {@link listensOf}: it says so itself. */
  readonly tls: boolean
  readonly isDefault: boolean
}

/** A server without any listens on port 80. */
export function listensOf(server: Directive): readonly Listen[] {
  const written = (server.block ?? []).filter(({ name }) => name === 'listen')
  if (written.length === 0) return [parseListen({ ...server, name: 'listen', args: ['80'] })]
  return written.map(parseListen)
}

function parseListen(directive: Directive): Listen {
  const [address = '80', ...flags] = directive.args
  const tls = flags.includes('ssl') || flags.includes('quic')
  const isDefault = flags.includes('default_server') || flags.includes('default')
  const [, host, port] = /^(?:(\[[0-9a-fA-F:.]+\]|[\d.]+|\*|localhost):)?(\d+)$/.exec(address) ?? []
  const alone = /^(\[[0-9a-fA-F:.]+\]|\d+\.\d+\.\d+\.\d+|\*|localhost)$/.exec(address)?.[1]
  const written = host ?? alone ?? (port === undefined ? undefined : '*')
  return { directive, host: written && numeric(written), port: Number(port ?? 80), tls, isDefault }
}

function numeric(host: string): string {
  if (host === '*') return '0.0.0.0'
  return host === 'localhost' ? '127.0.0.1' : host
}
