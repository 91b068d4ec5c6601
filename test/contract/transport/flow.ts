import { expect } from 'vitest'
import type { TransportEvents } from '../../../src/core/transport.ts'
import { answering, closedPort, tcpServer } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'
import { type Check, Recorder } from './harness.ts'

const MIB = 1_048_576
const READ = 65_536

/** Backpressure, aborts and what event handlers may do. */
export function flow(check: Check): void {
  check('pause stops the answer within one read; resume loses nothing', async (bench) => {
    const size = 8 * MIB
    const server = await bench.with(
      testUpstream((_req, res) => {
        res.writeHead(200, { 'content-length': size })
        res.end(Buffer.alloc(size, 'x'))
      }),
    )
    const line = bench.line(server.port)
    const seen = line.start()
    let stops = 0
    seen.on.onData = () => {
      if (stops < 5) {
        stops++
        line.stream.pause()
      }
    }
    for (let stop = 1; stop <= 5; stop++) {
      await until(() => stops === stop)
      const before = seen.bytes
      await settle(50)
      expect(seen.bytes - before).toBeLessThanOrEqual(READ)
      expect(seen.over).toBe(false)
      line.stream.resume()
    }
    await seen.done()
    expect(seen.bytes).toBe(size)
  })

  check('the end of a paused answer waits', async (bench) => {
    const server = await bench.with(
      answering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
    )
    const line = bench.line(server.port)
    const seen = line.start()
    seen.on.onHead = () => line.stream.pause()
    await until(() => seen.status === 200)
    await settle(50)
    expect(seen.names).toEqual(['onConnected', 'onHead'])
    line.stream.resume()
    await seen.done()
    expect(seen.body).toBe('ok')
    await line.becomesIdle()
  })

  check('a part that is borrowed is right when it is told; one that is not, and a longer one, last', async (bench) => {
    const long = 'x'.repeat(20_000)
    const server = await bench.with(
      testUpstream((req, res) => {
        const body = req.url === '/long' ? long : `answer to ${req.url}`
        res.writeHead(200, { 'content-length': body.length }).end(body)
      }),
    )
    const line = bench.line(server.port)
    const told: string[] = []
    const ask = async (target: string, borrows: number | undefined): Promise<Recorder> => {
      const seen = Object.assign(new Recorder(), borrows === undefined ? {} : { borrows })
      seen.on.onData = () => told.push((seen.chunks.at(-1) as Buffer).toString('latin1'))
      return line.start({ target }, seen).done()
    }
    const keeps = await ask('/keeps', undefined)
    const borrows = await ask('/borrows', 16_384)
    const short = await ask('/too-long-for-it', 4)
    const whole = await ask('/long', 16_384)
    await ask('/later', 16_384)
    expect(told.join(' ')).toContain('answer to /keeps answer to /borrows answer to /too-long-for-it x')
    expect(told.join('').endsWith('xanswer to /later')).toBe(true)
    expect([keeps.body, short.body]).toEqual(['answer to /keeps', 'answer to /too-long-for-it'])
    expect(borrows.bytes).toBe('answer to /borrows'.length)
    expect(whole.bytes).toBe(long.length)
  })

  check('parts of large answers last as long as they are kept, and are right when they are told', async (bench) => {
    const size = 2 * MIB
    const content = (letter: string): Buffer => {
      const body = Buffer.alloc(size, letter)
      for (let at = 0; at < size; at += 512) body.writeUInt32BE(at, at)
      return body
    }
    const server = await bench.with(
      testUpstream((req, res) => {
        const body = content(req.url?.at(-1) as string)
        if (req.url?.startsWith('/chunks') === true) {
          for (let at = 0; at < size; at += 30_000) res.write(body.subarray(at, at + 30_000))
          res.end()
        } else res.writeHead(200, { 'content-length': size }).end(body)
      }),
    )
    const lines = [bench.line(server.port), bench.line(server.port)]
    const ask = async (line: number, target: string, keeps: (part: number) => boolean): Promise<void> => {
      let part = 0
      const recorder = new Recorder()
      const seen: Recorder = Object.defineProperties(recorder, {
        borrows: { value: 16_384 },
        keeps: { get: () => keeps(part) },
      })
      const parts: Buffer[] = []
      seen.on.onData = () => {
        const chunk = seen.chunks.at(-1) as Buffer
        part++
        parts.push(chunk.length > 16_384 && keeps(part) ? chunk : Buffer.from(chunk))
        if (part % 7 === 0) {
          lines[line]?.stream.pause()
          setImmediate(() => lines[line]?.stream.resume())
        }
      }
      await lines[line]?.start({ target }, seen).done()
      expect(Buffer.concat(parts).equals(content(target.at(-1) as string))).toBe(true)
    }
    for (const path of ['/length', '/chunks']) {
      for (const keeps of [() => true, () => false, (part: number) => part % 3 === 0]) {
        await Promise.all([ask(0, `${path}/a`, keeps), ask(1, `${path}/b`, keeps)])
        await ask(0, `${path}/c`, () => false)
      }
    }
  })

  check('pause and resume in one event do nothing', async (bench) => {
    const server = await bench.with(answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
    const line = bench.line(server.port)
    const seen = line.start()
    seen.on.onHead = () => {
      line.stream.pause()
      line.stream.resume()
    }
    await seen.done()
    expect(seen.body).toBe('ok')
  })

  check("a connection is resumed, and another started, from within a third one's event", async (bench) => {
    const big = await bench.with(testUpstream((_req, res) => res.end(Buffer.alloc(MIB))))
    const small = await bench.with(testUpstream())
    const paused = bench.line(big.port)
    const seenPaused = paused.start()
    seenPaused.on.onHead = () => paused.stream.pause()
    const idle = bench.line(small.port)
    await idle.ask()
    await idle.becomesIdle()
    await until(() => seenPaused.status === 200)
    const seenIdle = new Recorder()
    const third = bench.line(small.port)
    const seen = third.start()
    seen.on.onData = () => {
      paused.stream.resume()
      idle.start({}, seenIdle)
    }
    await seen.done()
    await seenIdle.done()
    await seenPaused.done()
    expect(seenPaused.bytes).toBe(MIB)
    expect(seenIdle.ended).toBe(true)
  })

  check('an upload stops when the upstream reads no more, and goes on', async (bench) => {
    const size = 16 * MIB
    const chunk = Buffer.alloc(READ, 'x')
    const server = await bench.with(
      tcpServer((peer) => {
        peer.drop()
        peer.socket.pause()
      }),
    )
    const line = bench.line(server.port)
    const seen = line.start({ method: 'PUT', contentLength: size })
    let written = 0
    const feed = (): void => {
      while (written < size) {
        written += chunk.length
        if (!line.stream.write(chunk)) return
      }
      line.stream.end([])
    }
    seen.on.onWantBody = feed
    seen.on.onDrain = feed
    await until(() => written > 0)
    await settle(100)
    expect(written).toBeLessThan(size)
    const peer = await server.peer()
    peer.socket.resume()
    await until(() => peer.received > size)
    expect(seen.drains).toBeGreaterThan(0)
    peer.send('HTTP/1.1 204 No Content\r\n\r\n')
    await seen.done()
    expect(seen.status).toBe(204)
    await line.becomesIdle()
  })

  check('an early answer ends the upload; the connection is not used again', async (bench) => {
    const server = await bench.with(
      tcpServer(async (peer) => {
        await peer.receive('part')
        peer.send('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig')
      }),
    )
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: 1000 })
    seen.on.onWantBody = () => line.stream.write(Buffer.from('part'))
    await seen.done()
    expect([seen.status, seen.body, seen.ended]).toEqual([413, 'big', true])
    expect(line.stream.write(Buffer.from('more'))).toBe(true)
    line.stream.end([])
    await line.becomesClosed()
    expect(line.owner.idle).toBe(0)
  })

  check('an upload goes on while the answer has begun', async (bench) => {
    const server = await bench.with(
      testUpstream((req, res) => {
        res.writeHead(200)
        req.pipe(res)
      }),
    )
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: -1 })
    await until(() => seen.wanted === 1)
    line.stream.write(Buffer.from('one '))
    await until(() => seen.body === 'one ')
    line.stream.write(Buffer.from('two'))
    line.stream.end([])
    await seen.done()
    expect(seen.body).toBe('one two')
  })

  check('abort at once leaves no socket', async (bench) => {
    const server = await bench.with(tcpServer())
    const line = bench.line(server.port)
    const seen = line.start()
    line.stream.abort()
    expect(line.link.state === 'closed').toBe(true)
    await line.becomesClosed()
    await settle()
    expect(seen.names).toEqual([])
    expect(server.peers.map((peer) => peer.text).join('')).toBe('')
    await until(() => server.peers.every((peer) => peer.ended || peer.closed))
  })

  check('abort of a refused connection tells nothing', async (bench) => {
    const line = bench.line(await closedPort())
    const seen = line.start()
    line.stream.abort()
    await line.becomesClosed()
    await settle()
    expect(seen.names).toEqual([])
  })

  check('abort right after the start on an idle connection', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    const seen = line.start()
    line.stream.abort()
    const told = seen.names.length
    await line.becomesClosed()
    await settle()
    expect(seen.names.length).toBe(told)
    expect(seen.over).toBe(false)
    await until(() => server.sockets.size === 0)
  })

  const answer =
    'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n'
  const events = ['onConnected', 'onWantBody', 'onInformational', 'onHead', 'onData', 'onTrailers'] as const

  for (const event of events) {
    check(`abort from ${event} is the last that is heard`, async (bench) => {
      const server = await bench.with(answering(answer))
      const line = bench.line(server.port)
      const seen = new Recorder()
      seen.on[event] = () => line.stream.abort()
      const body = event === 'onWantBody' ? { method: 'POST', contentLength: 5 } : {}
      line.start(body, seen)
      await until(() => seen.names.includes(event))
      await line.becomesClosed()
      await settle()
      expect(seen.names.at(-1)).toBe(event)
      expect(seen.over).toBe(false)
      expect(line.owner.idle).toBe(0)
      await until(() => server.peers.every((peer) => peer.ended || peer.closed))
    })
  }

  const thrown: (keyof TransportEvents)[] = ['onConnected', 'onHead', 'onData', 'onEnd']
  for (const event of thrown) {
    check(`what ${event} throws is nobody's failure: it surfaces`, async (bench) => {
      const server = await bench.with(answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
      const line = bench.line(server.port)
      const bug = new Error(`bug in ${event}`)
      const caught = await uncaught(async () => {
        const seen = line.start()
        seen.on[event] = () => {
          throw bug
        }
        await until(() => seen.names.includes(event))
        await line.becomesClosed()
        expect(seen.failure).toBeUndefined()
      })
      expect(caught).toEqual([bug])
    })
  }
}

/** Runs `fn` and returns what reached the process as uncaught meanwhile. */
async function uncaught(fn: () => Promise<void>): Promise<unknown[]> {
  const caught: unknown[] = []
  const others = process.listeners('uncaughtException')
  const note = (error: unknown): void => void caught.push(error)
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await fn()
    await settle()
  } finally {
    process.off('uncaughtException', note)
    for (const listener of others) process.on('uncaughtException', listener)
  }
  return caught
}
