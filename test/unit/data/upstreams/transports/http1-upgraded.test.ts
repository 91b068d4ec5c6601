import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ReadBuffers, ReadMemory } from '../../../../../src/data/upstreams/transports/http1-read-buffers.ts'
import { UpgradedConnection } from '../../../../../src/data/upstreams/transports/http1-upgraded.ts'
import { until } from '../../../../kit/until.ts'

let server: Server
let peer: Socket
let socket: Socket
let upgraded: UpgradedConnection

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const coming = once(server, 'connection')
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  ;[peer] = (await coming) as [Socket]
  peer.on('error', () => {})
  if (socket.connecting) await once(socket, 'connect')
  socket.on('error', () => {})
  upgraded = new UpgradedConnection(socket, new ReadBuffers(new ReadMemory(undefined)))
  upgraded.on('error', () => {})
})

afterEach(() => {
  upgraded.destroy()
  peer.destroy()
  server.close()
})

/** Writes until neither the peer nor the system takes any more. */
async function fill(): Promise<number> {
  let bytes = 0
  for (let still = 0; still < 20; ) {
    if (upgraded.writableNeedDrain) still++
    else {
      upgraded.write(Buffer.alloc(30_000, 'f'))
      bytes += 30_000
      still = 0
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return bytes
}

test('what the peer does not take waits here, and not in the socket as well; then all goes out in order', async () => {
  const filled = await fill()
  const { writableLength } = socket
  const digits = Array.from({ length: 10_000 }, (_, i) => String(i % 10))
  for (const digit of digits) upgraded.write(Buffer.from(digit))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(socket.writableLength).toBe(writableLength)
  expect(upgraded.writableLength).toBeGreaterThanOrEqual(10_000)
  upgraded.end('end')
  let text = ''
  peer.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  peer.resume()
  await once(peer, 'end')
  expect(text.length).toBe(filled + 10_003)
  expect(text.slice(filled)).toBe(`${digits.join('')}end`)
})

test('while it is paused no more than one part is read ahead', async () => {
  const wanted: boolean[] = []
  upgraded.on('data', () => {})
  await until(() => upgraded.wants)
  wanted.push(upgraded.arrived(1, Buffer.from('a')))
  upgraded.pause()
  wanted.push(upgraded.arrived(1, Buffer.from('b')))
  expect([wanted, upgraded.wants, upgraded.readableLength]).toEqual([[true, false], false, 1])
  upgraded.resume()
})

test('a peer that is gone while something waits takes the connection with it', async () => {
  await fill()
  upgraded.write('more')
  peer.resetAndDestroy()
  socket.on('close', () => upgraded.socketClosed(new Error('reset')))
  await until(() => upgraded.closed)
  expect(upgraded.errored?.message).toBe('reset')
})
