import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { readNoFurther } from '../../../src/lib/read-ahead.ts'
import { until } from '../../kit/until.ts'

test('a socket that is paused has at most one read ahead, and nothing is lost', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const coming = once(server, 'connection')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true)
  const [socket] = (await coming) as [Socket]
  readNoFurther(socket)
  let text = ''
  let parts = 0
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    parts++
  })
  socket.pause()
  let sent = 0
  for (; sent < 500; sent++) {
    peer.write(String(sent % 10))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(socket.readableLength).toBeLessThan(500)
  expect(parts).toBe(0)
  socket.resume()
  await until(() => text.length === sent)
  expect(text).toBe('0123456789'.repeat(50))
  // One that was read ahead, and what the system had by then.
  expect(parts).toBeLessThan(10)
  peer.end()
  socket.destroy()
  server.close()
})
