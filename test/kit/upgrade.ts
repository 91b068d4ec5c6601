import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TOP } from './sluice.ts'
import { type TestUpstream, testUpstream } from './upstream.ts'

/** The top of configs whose listener takes upgrades up, whatever server tests speak by. */
export const TUNNEL_TOP: string = TOP.replace('127.0.0.1:0" }', '127.0.0.1:0", http1: own }')

/** The key of RFC 6455, section 1.3, and what belongs to it. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** A handshake; `more`: lines of the head. */
export function handshake(path: string, more = '', protocol = 'websocket'): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: ${protocol}\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${more}\r\n`
  )
}

/** The value that answers a key. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

export function switched(req: IncomingMessage, more = ''): string {
  const accept = acceptOf(req.headers['sec-websocket-key'] ?? '')
  return (
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${req.headers.upgrade}\r\n` +
    `Sec-WebSocket-Accept: ${accept}\r\n${more}\r\n`
  )
}

/** What an upstream does with an offer; `head`: what came behind it. */
export type OnUpgrade = (req: IncomingMessage, socket: Socket, head: Buffer) => void

/** Says everything once more, and closes behind its client. */
export const echoes: OnUpgrade = (req, socket, head) => {
  socket.write(switched(req))
  socket.write(head)
  socket.on('data', (chunk) => socket.write(chunk))
  socket.on('end', () => socket.end())
}

/** An upstream that takes offers up; other requests get 200. */
export async function upgradingUpstream(onUpgrade: OnUpgrade = echoes): Promise<TestUpstream> {
  const upstream = await testUpstream((_req, res) => res.end('plain'))
  upstream.server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => {})
    onUpgrade(req, socket as Socket, head)
    // Else its end would not be seen.
    if (socket.listenerCount('data') === 0) socket.resume()
  })
  return upstream
}
