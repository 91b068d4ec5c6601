import { afterEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/lib/random.ts'
import { field, type HttpClient } from '../kit/client.ts'
import { ManualClock } from '../kit/clock.ts'
import { echo, type Gate, type GateOptions, type Handled, ok, type Respond, reply } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

type Start = (respond?: Respond, options?: GateOptions) => Promise<Gate>

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`
const post = (target: string, framing: string, body = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${body}`
const CHUNKED = 'Transfer-Encoding: chunked'

/** In steps of 100 ms, between which what has come is read. */
async function advance(clock: ManualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    clock.advance(100)
    await settle(2)
  }
}

/** What every server of client connections must do with them, whatever speaks the protocol. */
export function describeIngress(name: string, start: Start): void {
  describe(`ingress ${name}`, () => {
    let held: Gate
    const open = async (respond?: Respond, options?: GateOptions): Promise<HttpClient> => {
      held = await start(respond, options)
      return held.client()
    }
    afterEach(() => held.stop())

    describe('a connection whose life is limited', () => {
      test('ends with the last of its requests, in order or sent ahead, and says so', async () => {
        for (const ahead of [false, true]) {
          const client = await open(ok, { connections: { maxRequests: 3 } })
          if (ahead) client.send(get('/').repeat(9))
          for (const last of [false, false, true]) {
            if (!ahead) client.send(get('/'))
            expect(field(await client.answer(), 'connection')).toBe(last ? 'close' : 'keep-alive')
          }
          await client.ended()
          expect([client.rest, held.handled.length, held.retired]).toEqual(['', 3, ['maxRequests']])
          await held.stop()
        }
      })

      test('ends with the answer that is under way at its age, or else with the next', async () => {
        const clock = new ManualClock()
        const client = await open(() => {}, { clock, connections: { maxAge: 10_000 } })
        client.send(get('/slow'))
        const slow = await held.request()
        clock.advance(10_600)
        ok(slow)
        expect(field(await client.answer(), 'connection')).toBe('close')
        await client.ended()
        const other = await held.client()
        other.send(get('/begun'))
        const begun = await held.request(1)
        begun.downstream.head(200, ['content-length', '1'])
        await until(() => other.peer.text.includes('\r\n\r\n'))
        expect(other.peer.text.toLowerCase()).toContain('connection: keep-alive')
        clock.advance(10_600)
        begun.downstream.write(Buffer.from('x'))
        begun.downstream.end()
        other.send(get('/last'))
        ok(await held.request(2))
        await until(() => other.peer.text.includes('ok'))
        expect(other.peer.text.toLowerCase()).toContain('connection: close')
        await other.ended()
        expect(held.retired).toEqual(['maxAge', 'maxAge'])
      })

      test('ends at its age where it is idle, by a FIN, and no sooner', async () => {
        const clock = new ManualClock()
        const client = await open(ok, { clock, connections: { maxAge: 10_000 } })
        await client.send(get('/')).answer()
        await until(() => held.listener.inFlight === 0)
        clock.advance(9_900)
        await settle(20)
        expect([client.peer.ended, held.retired]).toEqual([false, []])
        await advance(clock, 2_000)
        await client.ended()
        expect([client.rest, held.retired]).toEqual(['', ['maxAge']])
        client.peer.end()
        await until(() => held.listener.connections === 0)
      })

      test('ends at its age where nothing was asked, and is counted', async () => {
        const clock = new ManualClock()
        const client = await open(ok, { clock, timeouts: { headers: 60_000 }, connections: { maxAge: 10_000 } })
        await until(() => held.listener.connections === 1)
        await advance(clock, 12_000)
        await client.ended()
        expect([client.rest, held.retired]).toEqual(['', ['maxAge']])
      })

      test('answers what waits to be read when it is looked at, and says that it is the last', async () => {
        const client = await open(ok, { connections: { maxAge: 1_000 } })
        await client.send(get('/')).answer()
        const { retired } = held
        const told = new Promise<void>((resolve) => {
          // It was idle at the first look. Before the next one the loop stands still: behind this phase its timers come first,
          // then what has arrived.
          const stand = (): void => {
            client.send(get('/'))
            const end = performance.now() + 150
            while (performance.now() < end);
            resolve()
          }
          retired.push = (limit) => {
            setImmediate(stand)
            retired[retired.length] = limit
            return retired.length
          }
        })
        await told
        const answer = await client.answer()
        expect([answer.status, field(answer, 'connection'), [...retired]]).toEqual([200, 'close', ['maxAge']])
        await client.ended()
      })

      test('does not end together with those that began with it', async () => {
        const clock = new ManualClock()
        const timeouts = { keepAlive: 600_000 }
        const client = await open(ok, { clock, timeouts, connections: { maxAge: 100_000 } })
        const clients = [client]
        while (clients.length < 20) clients.push(await held.client())
        for (const one of clients) await one.send(get('/')).answer()
        const counts: number[] = []
        for (let at = 89_000; at <= 103_000; at += 1_000) {
          clock.advance(at === 89_000 ? at : 1_000)
          counts.push(held.retired.length)
        }
        expect([counts[0], counts.at(-1)]).toEqual([0, 20])
        const steps = counts.slice(1).map((count, i) => count - (counts[i] as number))
        expect(Math.max(...steps)).toBeLessThanOrEqual(4)
      })
    })

    describe('requests that are sent before their answers came', () => {
      test('are all answered in order, however many', async () => {
        const client = await open(({ downstream }) => reply(downstream, 200, downstream.target))
        const targets = Array.from({ length: 1500 }, (_, i) => `/${i}`)
        client.send(targets.map(get).join(''))
        for (const target of targets) expect((await client.answer()).body).toBe(target)
        // The connection is as good as before.
        expect((await client.send(get('/more')).answer()).body).toBe('/more')
        expect(held.listener.inFlight).toBe(0)
      })

      test('leave a connection that is idle: its end is nobody’s fault', async () => {
        for (const text of [get('/').repeat(2), get('/').repeat(3), get('/') + post('/', 'Content-Length: 1', 'x')]) {
          held = await start()
          const client = await held.client()
          client.send(text)
          while (held.handled.length < text.split('Host').length - 1) await client.answer()
          await until(() => held.listener.inFlight === 0)
          client.peer.end()
          await until(() => held.listener.connections === 0)
          expect([held.faults, held.malformedInputs]).toEqual([[], []])
          await held.stop()
        }
      })

      test('are told apart from their bodies, wherever they are cut, and whenever they are answered', async () => {
        const random = seededRandom(20_261_130)
        const later: (() => void)[] = []
        const client = await open((handled) => {
          if (random.float() < 0.5) echo(handled)
          else later.push(() => echo(handled))
        })
        const bodies: string[] = []
        let text = ''
        for (let i = 0; i < 300; i++) {
          const body = i % 3 === 0 ? '' : `${i}:${'x'.repeat(Math.floor(random.float() ** 8 * 30_000))}`
          bodies.push(body)
          const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
          if (body === '') text += get(`/${i}`)
          else if (i % 3 === 1) text += post('/', `Content-Length: ${body.length}`, body)
          else text += post('/', CHUNKED, chunks)
        }
        for (let at = 0; at < text.length; ) {
          const end = at + 1 + Math.floor(random.float() ** 4 * 60_000)
          client.send(text.slice(at, end))
          at = end
          if (random.float() < 0.3) await settle(1)
        }
        for (const body of bodies) {
          await until(() => {
            later.shift()?.()
            return client.rest.includes('\r\n\r\n')
          })
          expect((await client.answer()).body).toBe(body)
        }
        expect(client.rest).toBe('')
      })

      test('wait as they were sent, and the client is held back once much waits', async () => {
        const client = await open(() => {})
        const sent = 32_000_000
        client.send(get('/'))
        const first = await held.request()
        client.send(post('/', `Content-Length: ${sent}`))
        for (let i = 0; i < sent / 1_000_000; i++) client.send(Buffer.alloc(1_000_000))
        client.send(get('/last'))
        await settle(50)
        // What the kernel holds is its own affair.
        await until(() => client.peer.socket.writableLength < sent)
        await settle(200)
        expect(client.peer.socket.writableLength).toBeGreaterThan(sent / 2)
        expect(held.handled.length).toBe(1)
        ok(first)
        const { downstream, events } = await held.request(1)
        downstream.startBody()
        events.chunks.push = () => 0
        await until(() => events.ended)
        expect(downstream.bytesIn).toBe(sent)
        ok(held.handled[1] as Handled)
        ok(await held.request(2))
        for (let i = 0; i < 3; i++) expect((await client.answer()).status).toBe(200)
      })

      test('wait for a client that does not read, too', async () => {
        const size = 16_000_000
        const client = await open(({ downstream, events }) => {
          const length = downstream.target === '/long' ? size : 2
          downstream.head(200, ['content-length', String(length)])
          const more = (): void => {
            while (downstream.bytesOut < length) if (!downstream.write(Buffer.alloc(Math.min(length, 500_000)))) return
            downstream.end()
          }
          Object.assign(events, { onDrain: more })
          more()
        })
        client.peer.socket.pause()
        client.send(get('/long') + get('/').repeat(3))
        await held.request()
        await settle(50)
        client.send(get('/').repeat(300))
        await settle(50)
        expect(held.handled.length).toBe(1)
        client.peer.drop()
        client.peer.socket.resume()
        await held.request(303)
        await until(() => client.peer.received > size)
        expect(held.handled.map(({ downstream }) => downstream.bytesOut)).toEqual([size, ...new Array(303).fill(2)])
      })

      test.each([
        ['ends its side', (client: HttpClient) => client.peer.end()],
        ['resets', (client: HttpClient) => client.peer.reset()],
      ])('are forgotten when the client %s, and the one under way is told', async (_how, leave) => {
        for (const behind of [1, 20, 1000]) {
          held = await start(() => {}, { halfClose: 'abort' })
          const client = await held.client()
          client.send(get('/').repeat(2))
          ok(await held.request())
          await client.answer()
          const { events } = await held.request(1)
          client.send(get('/').repeat(behind))
          await settle(20)
          leave(client)
          await until(() => events.gone === 'closed')
          await until(() => held.listener.connections === 0)
          expect(held.handled.length).toBe(2)
          expect(held.listener.inFlight).toBe(0)
          await held.stop()
        }
      })

      test.each([
        ['garbage', 'garbage\r\n\r\n', 400],
        ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 501],
        ['a request that is refused', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
        ['a body that is broken', post('/', CHUNKED, 'x\r\n'), 400],
      ])('are answered before %s behind them, and nothing after it', async (_what, bad, status) => {
        for (const count of [1, 2, 40]) {
          held = await start(() => {})
          const client = await held.client()
          client.send(get('/').repeat(count) + bad + get('/').repeat(40))
          for (let i = 0; i < count; i++) ok(await held.request(i))
          for (let i = 0; i < count; i++) expect((await client.answer()).status).toBe(200)
          expect((await client.answer()).status).toBe(status)
          await client.ended()
          expect(client.rest).toBe('')
          expect(held.accepted.length).toBe(count)
          await held.stop()
        }
      })

      test.each([
        ['garbage', '\0garbage\r\n\r\n'],
        ['a request', get('/behind')],
      ])('end with the one that asks for the close: %s behind it is not looked at', async (_what, behind) => {
        const padded = (length: number, fields: string): string => {
          const bare = `GET / HTTP/1.1\r\nHost: a\r\n${fields}X: \r\n\r\n`
          return bare.replace('X: ', `X: ${'x'.repeat(length - bare.length)}`)
        }
        held = await start()
        const other = await held.client()
        for (const [i, size] of [8_192, 100, 8_192, 8_192].entries()) {
          const client = await held.client()
          // Of the larger ones all eight fill one read exactly: what is behind them is read before our end has gone out.
          client.send(padded(size, '').repeat(7) + padded(size, 'Connection: close\r\n') + behind)
          for (let j = 0; j < 8; j++) expect((await client.answer()).status).toBe(200)
          await client.ended()
          await until(() => held.listener.connections === 1)
          expect([client.rest, held.handled.length, held.malformedInputs]).toEqual(['', 8 * (i + 1), []])
          expect(held.faults.length).toBeLessThanOrEqual(i + 1)
        }
        expect((await other.send(get('/')).answer()).status).toBe(200)
      })

      test('may offer an upgrade, wherever they stand: those that are handled are answered, and the others cut off', async () => {
        const offer = 'Connection: Upgrade\r\nUpgrade: TLS/1.2'
        const asking = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${offer}\r\n\r\n`
        const uploading = post('/u', `Content-Length: 3\r\n${offer}`, 'abc')
        for (const [text, least] of [
          [asking('/u'), 1],
          [asking('/u') + get('/'), 1],
          [get('/') + asking('/u'), 2],
          [get('/') + asking('/u') + get('/'), 2],
          [get('/') + asking('/u') + asking('/u'), 2],
          [uploading, 1],
          [uploading + get('/'), 1],
          [get('/') + uploading, 2],
          [get('/') + uploading + get('/').repeat(50), 2],
          [get('/').repeat(3) + asking('/u') + uploading, 4],
        ] as const) {
          held = await start(echo)
          const client = await held.client()
          client.send(text)
          for (let i = 0; i < least; i++) {
            expect((await client.answer()).status).toBe(200)
            expect(held.handled.length).toBeGreaterThan(i)
          }
          client.send(get('/more'))
          await until(
            () => client.peer.ended || held.handled.some(({ downstream }) => downstream.target === '/more'),
            () => JSON.stringify(text),
          )
          await until(() => held.listener.inFlight === 0)
          await until(
            () => client.peer.text.split('HTTP/1.1 200 ').length - 1 === held.handled.length,
            () => `${held.handled.length} answers to ${JSON.stringify(text)}, not ${JSON.stringify(client.peer.text)}`,
          )
          await held.stop()
        }
      })

      test('are not looked at behind an answer that closes, and do not endanger it', async () => {
        const client = await open((handled) => {
          handled.downstream.closeAfter()
          ok(handled)
        })
        client.peer.socket.pause()
        for (let i = 0; i < 50; i++) {
          client.send(get('/').repeat(1000))
          await settle(2)
        }
        await until(() => client.peer.socket.writableLength === 0)
        client.peer.socket.resume()
        const answer = await client.answer()
        expect([answer.body, field(answer, 'connection')]).toEqual(['ok', 'close'])
        await client.ended()
        expect(client.peer.error).toBe(undefined)
        expect(held.handled.length).toBe(1)
      })
    })

    describe('an answer that comes before the request is whole', () => {
      /** As the engine relays one: the body was asked for, the answer is there before it. */
      const early =
        (status: number): Respond =>
        ({ downstream, events }) => {
          downstream.startBody()
          events.onChunk = () => {
            events.onChunk = undefined
            downstream.head(status, ['content-length', '5'])
            downstream.write(Buffer.from('early'))
            downstream.discardBody()
            downstream.end()
          }
        }
      const own: Respond = ({ downstream }) => reply(downstream, 413, 'early')

      test.each([
        ['of our own, a long body', own, post('/', 'Content-Length: 100000', 'xxxx'), 'close'],
        ['of our own, chunks', own, post('/', CHUNKED, '4\r\nxxxx\r\n'), 'close'],
        ['of our own, whole chunks', own, post('/', CHUNKED, '4\r\nxxxx\r\n0\r\n\r\n'), 'keep-alive'],
        ['of our own, a whole body', own, post('/', 'Content-Length: 4', 'xxxx'), 'keep-alive'],
        ['of our own, a short body', own, post('/', 'Content-Length: 8', 'xxxx'), 'keep-alive'],
        ['of our own, Expect', own, post('/', 'Expect: 100-continue\r\nContent-Length: 4'), 'close'],
        ['relayed, a long body', early(401), post('/', 'Content-Length: 100000', 'xxxx'), 'close'],
        ['relayed, chunks', early(401), post('/', CHUNKED, '4\r\nxxxx\r\n'), 'close'],
        ['relayed, a short body', early(401), post('/', 'Content-Length: 8', 'xxxx'), 'keep-alive'],
        ['relayed, no failure', early(200), post('/', 'Content-Length: 100000', 'xxxx'), 'keep-alive'],
        ['relayed, no failure, chunks', early(200), post('/', CHUNKED, '4\r\nxxxx\r\n'), 'keep-alive'],
      ])('keeps its word: %s', async (_name, respond, text, connection) => {
        const client = await open((handled) => {
          if (handled.downstream.target === '/next') ok(handled)
          else respond(handled)
        })
        client.send(text)
        const answer = await client.answer()
        expect([answer.body, field(answer, 'connection')]).toEqual(['early', connection])
        if (connection === 'close') {
          await client.ended()
          expect(client.rest).toBe('')
          return
        }
        const [head, sent] = text.split('\r\n\r\n') as [string, string]
        const length = Number(/Content-Length: (\d+)/.exec(head)?.[1] ?? 0)
        if (length > 0) client.send('x'.repeat(length - sent.length))
        else if (!text.endsWith('0\r\n\r\n')) client.send(`${'3e8\r\n'}${'x'.repeat(1000)}\r\n0\r\n\r\n`)
        client.send(get('/next'))
        expect((await client.answer()).body).toBe('ok')
      })

      test.each([
        ['of our own', own],
        ['relayed', early(413)],
      ])('is there for a client that reads it once it has sent everything: %s', async (_name, respond) => {
        const client = await open(respond)
        client.peer.socket.pause()
        client.send(post('/', 'Content-Length: 24000000'))
        for (let i = 0; i < 24; i++) {
          client.send(Buffer.alloc(1_000_000))
          if (i % 8 === 0) await settle(5)
        }
        await until(() => client.peer.socket.writableLength === 0)
        client.peer.socket.resume()
        expect(await client.answer()).toMatchObject({ status: 413, body: 'early', complete: true })
        await client.ended()
        expect(client.peer.error).toBe(undefined)
        expect(held.handled[0]?.downstream.bytesIn).toBeLessThan(1_000_000)
        client.peer.end()
        await until(() => held.listener.connections === 0)
      })

      test('and is the last one leaves the body to who still wants it', async () => {
        const client = await open(({ downstream, events }) => {
          downstream.startBody()
          downstream.head(200, [])
          events.onChunk = (chunk) => downstream.write(chunk)
          events.whenEnded = () => downstream.end()
        })
        client.send(post('/', 'Connection: close\r\nContent-Length: 200000', 'x'.repeat(100_000)))
        await until(() => held.handled[0]?.downstream.bytesIn === 100_000)
        client.send('x'.repeat(100_000))
        const answer = await client.answer()
        expect([answer.complete, answer.body.length, field(answer, 'connection')]).toEqual([true, 200_000, 'close'])
        await client.ended()
      })

      test('may be long: the body is taken in while it is read', async () => {
        const client = await open(({ downstream, events }) => {
          downstream.discardBody()
          downstream.head(401, [])
          const more = (): void => {
            while (downstream.bytesOut < 20_000_000) if (!downstream.write(Buffer.alloc(100_000, 97))) return
            downstream.end()
          }
          Object.assign(events, { onDrain: more })
          more()
        })
        client.peer.socket.pause()
        client.send(post('/', 'Content-Length: 32000000'))
        for (let i = 0; i < 32; i++) client.send(Buffer.alloc(1_000_000))
        await until(() => client.peer.socket.writableLength === 0)
        client.peer.socket.resume()
        const answer = await client.answer()
        expect([answer.complete, answer.body.length]).toEqual([true, 20_000_000])
        await client.ended()
        expect(client.peer.error).toBe(undefined)
      })

      test('waits for the little that is missing 5 s after the last byte, and 30 s in all', async () => {
        const clock = new ManualClock()
        const client = await open(own, { clock })
        client.send(post('/', 'Content-Length: 60000', 'x'))
        await client.answer()
        clock.advance(4_900)
        await settle(20)
        expect(client.peer.ended).toBe(false)
        clock.advance(200)
        await client.ended()
        const slow = await held.client()
        slow.send(post('/', 'Content-Length: 60000', 'x'))
        await slow.answer()
        for (let i = 0; i < 7; i++) {
          clock.advance(4_200)
          slow.send('x')
          await until(() => held.handled[1]?.downstream.bytesIn === 2 + i)
          expect(slow.peer.ended).toBe(false)
        }
        clock.advance(700)
        await slow.ended()
      })
    })

    describe('a connection that is closed while the client may still send', () => {
      /** Refused in the middle of a long body; its answer was read. */
      const refused = async (client: HttpClient): Promise<void> => {
        client.send(post('/', 'Content-Length: 1000000', 'x'))
        await client.answer()
        await client.ended()
      }

      test('is cut 5 s after the last byte', async () => {
        const clock = new ManualClock()
        const client = await open(ok, { clock })
        await refused(client)
        for (let i = 0; i < 3; i++) {
          clock.advance(4_900)
          client.send('x'.repeat(100_000))
          await until(() => client.peer.socket.writableLength === 0)
          await settle(50)
          expect(held.listener.connections).toBe(1)
        }
        clock.advance(5_100)
        await until(() => held.listener.connections === 0)
      })

      test('is cut after 30 s, however much comes', async () => {
        const clock = new ManualClock()
        const client = await open(ok, { clock })
        await refused(client)
        for (let i = 0; i < 12; i++) {
          clock.advance(2_400)
          client.send('x')
          await settle(20)
          expect(held.listener.connections).toBe(1)
        }
        clock.advance(1_300)
        await until(() => held.listener.connections === 0)
      })

      test('is cut at once when the listener is', async () => {
        const client = await open(ok)
        await refused(client)
        held.listener.drain()
        await settle(20)
        expect(held.listener.connections).toBe(1)
        held.listener.cut()
        await until(() => held.listener.connections === 0)
      })

      test('gives its place to a client that has not asked yet, the oldest first', async () => {
        const first = await open(ok, { limits: { connections: 2 } })
        const second = await held.client()
        await refused(first)
        await refused(second)
        const third = await held.client()
        expect((await third.send(get('/')).answer()).status).toBe(200)
        await until(() => held.listener.connections === 2)
        await until(() => first.peer.closed || first.peer.error !== undefined || first.peer.ended)
        const fourth = await held.client()
        expect((await fourth.send(get('/')).answer()).status).toBe(200)
        const fifth = await held.client()
        expect((await fifth.answer()).status).toBe(503)
        fifth.close()
      })

      test.each<[string, GateOptions]>([
        ['above the limit of connections', { limits: { connections: 0 } }],
        ['under overload', { pressure: { stage: 3 } }],
      ])('%s stays a second at most', async (_name, options) => {
        const clock = new ManualClock()
        const client = await open(ok, { clock, ...options })
        expect((await client.answer()).status).toBe(503)
        await client.ended()
        clock.advance(600)
        client.send('x')
        await settle(20)
        expect(held.listener.connections).toBe(1)
        clock.advance(500)
        await until(() => held.listener.connections === 0)
      })

      test('over input that never became a request, its answer is there for who reads it late', async () => {
        const client = await open()
        client.peer.socket.pause()
        client.send('garbage\r\n')
        for (let i = 0; i < 32; i++) {
          client.send(Buffer.alloc(1_000_000))
          if (i % 8 === 0) await settle(5)
        }
        await until(() => client.peer.socket.writableLength === 0)
        client.peer.socket.resume()
        expect((await client.answer()).status).toBe(400)
        await client.ended()
        expect(client.peer.error).toBe(undefined)
      })

      test('is not waited for where the client has asked for the close and sent everything', async () => {
        const client = await open()
        client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
        expect((await client.answer()).status).toBe(200)
        await client.ended()
        await until(() => held.listener.connections === 0)
      })
    })
  })
}
