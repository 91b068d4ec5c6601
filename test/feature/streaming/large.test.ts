import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rss } from '../../kit/memory.ts'
import { type Nginx, startNginx, withoutNginx } from '../../kit/nginx.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2
const MOST_GROWTH = 64 * MIB
const CHUNK = Buffer.alloc(MIB, 'x')

/** Watches the memory of the gateway until told to stop; returns how far it rose above the beginning. */
async function growth(pid: number, during: () => Promise<void>): Promise<number> {
  const before = await rss(pid)
  let most = before
  let watching = true
  const watch = (async () => {
    while (watching) {
      most = Math.max(most, await rss(pid))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  try {
    await during()
  } finally {
    watching = false
    await watch
  }
  return most - before
}

/** Resolves when `value` has not changed for a while: whoever moves it is held up. */
async function still(value: () => number): Promise<void> {
  let last = -1
  let same = 0
  await until(() => {
    same = value() === last ? same + 1 : 0
    last = value()
    return same >= 30
  }, 'it comes to a stand')
}

describe.skipIf(withoutNginx())('a gibibyte', () => {
  let nginx: Nginx
  let sink: Server
  let taken = 0
  let uploading: Socket | undefined
  let open: (() => void) | undefined
  let sluice: Sluice

  beforeAll(async () => {
    nginx = await startNginx()
    await writeFile(join(nginx.files, 'large.bin'), '')
    await truncate(join(nginx.files, 'large.bin'), GIB)
    await writeFile(join(nginx.files, 'warm-up.bin'), '')
    await truncate(join(nginx.files, 'warm-up.bin'), GIB / 4)
    sink = createServer((request, response) => {
      uploading = request.socket
      open = () => {
        request.on('data', (chunk: Buffer) => {
          taken += chunk.length
        })
      }
      request.on('end', () => response.end(String(taken)))
    })
    sink.listen(0, '127.0.0.1')
    await once(sink, 'listening')
    sluice = await startSluice(`${ONE_WORKER}
upstreams:
  files: { endpoints: ["http://127.0.0.1:${nginx.port}"] }
  sink: { endpoints: ["http://127.0.0.1:${(sink.address() as AddressInfo).port}"] }
routes:
  files: { match: { path: /* }, to: files }
  sink: { match: { path: /sink }, to: sink, timeouts: { minRate: off } }
`)
    // What is compiled and allocated once, such as the space for young objects, is no matter of streaming.
    const asked = get({ host: '127.0.0.1', port: sluice.port(), path: '/warm-up.bin', agent: false })
    const [warmUp] = (await once(asked, 'response')) as [IncomingMessage]
    await once(warmUp.resume(), 'end')
    await sluice.send('POST', '/sink', '')
  })

  afterAll(async () => {
    await sluice.stop()
    await nginx.stop()
    sink.closeAllConnections()
    sink.close()
  })

  test('comes down to a client that does not read, then reads, in less than 64 MiB of memory', async () => {
    const socket = connect(sluice.port(), '127.0.0.1')
    await once(socket, 'connect')
    let received = 0
    let head = ''
    const grown = await growth(sluice.pid, async () => {
      socket.write('GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      // Nothing is read until kernel and gateway are full.
      await still(() => socket.bytesRead)
      socket.on('data', (chunk) => {
        if (!head.includes('\r\n\r\n')) head += (chunk as Buffer).subarray(0, 2000).toString('latin1')
        received += chunk.length
      })
      await once(socket, 'end')
    })
    const headLength = head.indexOf('\r\n\r\n') + 4
    expect(head).toMatch(/^HTTP\/1\.1 200 /)
    expect(received - headLength).toBe(GIB)
    expect(grown).toBeLessThan(MOST_GROWTH)
  })

  test('goes up to a server that does not read, then reads, in less than 64 MiB of memory', async () => {
    taken = 0
    open = undefined
    const socket = connect(sluice.port(), '127.0.0.1')
    await once(socket, 'connect')
    let answer = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text
    })
    const grown = await growth(sluice.pid, async () => {
      socket.write(`POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: ${GIB}\r\nConnection: close\r\n\r\n`)
      let sent = 0
      const pump = (): void => {
        while (sent < GIB) {
          sent += CHUNK.length
          if (!socket.write(CHUNK)) return
        }
      }
      socket.on('drain', pump)
      pump()
      await until(() => open !== undefined, 'the upload arrives')
      await still(() => sent)
      expect(sent).toBeLessThan(GIB / 8)
      open?.()
      await once(socket, 'end')
    })
    expect(uploading?.bytesRead).toBeGreaterThan(GIB)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer.endsWith(String(GIB))).toBe(true)
    expect(grown).toBeLessThan(MOST_GROWTH)
  })
})
