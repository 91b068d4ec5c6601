import { afterEach, describe, expect, test } from 'vitest'
import { failure } from '../../src/core/failures.ts'
import type { HttpClient } from '../kit/client.ts'
import { EndsRig } from '../kit/ends.ts'
import { HTTP1_SERVERS } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

describe.each(HTTP1_SERVERS)('http1: %s', (http1) => {
  const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`
  const upload = (length: number, body = ''): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`
  const chunks = (body: string): string => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`

  interface State {
    /** Brings the connection there. */
    readonly reach: (rig: EndsRig, client: HttpClient) => Promise<void>
    /** What the log says of the exchanges that have ended by then. */
    readonly before?: readonly string[]
    /** An exchange is under way. */
    readonly open?: boolean
  }

  /** How far a connection and what it carries may have come. */
  const STATES: Readonly<Record<string, State>> = {
    'before a byte': { reach: async () => {} },
    'in a head': {
      reach: async (rig, client) => {
        client.send('GET / HTTP/1.1\r\nHo')
        await until(() => rig.listener.connections === 1)
        await settle(10)
      },
    },
    'before the upstream has the request': {
      open: true,
      reach: async (rig, client) => {
        client.send(get())
        await rig.begun(1)
      },
    },
    'in a queue': {
      open: true,
      reach: async (rig, client) => {
        client.send(get('/queued'))
        await rig.begun(1)
      },
    },
    'in a body that is forwarded': {
      open: true,
      reach: async (rig, client) => {
        client.send(upload(100_000, 'x'))
        await rig.begun(1)
        rig.kit.latest.connect()
        await until(() => rig.kit.latest.sent === 'x')
      },
    },
    'in a body that the upstream does not take': {
      open: true,
      reach: async (rig, client) => {
        client.send(upload(1_000_000))
        await rig.begun(1)
        rig.kit.latest.room = false
        rig.kit.latest.connect()
        client.send('x'.repeat(10_000))
        await until(() => rig.kit.latest.sent !== '')
      },
    },
    'in chunks': {
      open: true,
      reach: async (rig, client) => {
        client.send(chunks('1\r\nx\r\n'))
        await rig.begun(1)
        rig.kit.latest.connect()
        await until(() => rig.kit.latest.sent === 'x')
      },
    },
    'in a body that nobody asked for yet': {
      open: true,
      reach: async (rig, client) => {
        client.send(upload(100_000, 'x'))
        await rig.begun(1)
      },
    },
    'behind 100 Continue': {
      open: true,
      reach: async (rig, client) => {
        client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n')
        await rig.begun(1)
        rig.kit.latest.connect()
        expect((await client.answer()).status).toBe(100)
      },
    },
    'in the head of the answer': {
      open: true,
      reach: async (rig, client) => {
        client.send(get())
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.events.onInformational(103, ['link', '</a>'])
        expect((await client.answer()).status).toBe(103)
      },
    },
    'in the answer': {
      open: true,
      reach: async (rig, client) => {
        client.send(get())
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.events.onHead(200, ['content-length', '10'])
        rig.kit.latest.events.onData(Buffer.from('half'))
        await client.peer.receive('half')
      },
    },
    'in an answer that the client does not read': {
      open: true,
      reach: async (rig, client) => {
        client.peer.socket.pause()
        client.send(get())
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.events.onHead(200, [])
        for (let i = 0; i < 32 && !rig.kit.latest.paused; i++) {
          rig.kit.latest.events.onData(Buffer.alloc(1_000_000))
          await settle(5)
        }
        expect(rig.kit.latest.paused).toBe(true)
      },
    },
    'in body and answer': {
      open: true,
      reach: async (rig, client) => {
        client.send(upload(100_000, 'x'))
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.events.onHead(200, [])
        rig.kit.latest.events.onData(Buffer.from('half'))
        await client.peer.receive('half')
      },
    },
    'with requests behind it': {
      open: true,
      before: ['200'],
      reach: async (rig, client) => {
        client.send(get().repeat(100))
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.answer(200, ['content-length', '2'], 'ok')
        await rig.begun(2)
        await client.answer()
      },
    },
    'with garbage behind it': {
      open: true,
      reach: async (rig, client) => {
        client.send(`${get()}garbage\r\n\r\n`)
        await rig.begun(1)
        // Our own server looks at it when its turn has come.
        if (http1 === 'own') await settle(10)
        else await until(() => rig.faults.length === 1)
      },
    },
    'between requests': {
      before: ['200'],
      reach: async (rig, client) => {
        client.send(get())
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.answer(200, ['content-length', '2'], 'ok')
        await client.answer()
      },
    },
    'while the rest of a body is discarded': {
      before: ['503'],
      reach: async (rig, client) => {
        client.send(upload(1_000, 'x'))
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.answer(503, ['content-length', '2'], 'no')
        await client.answer()
      },
    },
    'while it is waited for the end of a client that got its answer early': {
      before: ['413'],
      reach: async (rig, client) => {
        client.send(upload(1_000_000, 'x'))
        await rig.begun(1)
        rig.kit.latest.connect()
        rig.kit.latest.answer(413, ['content-length', '2'], 'no')
        await client.answer()
        await client.ended()
      },
    },
    'behind an answer to garbage': {
      before: ['bad_request'],
      reach: async (rig, client) => {
        client.send('garbage\r\n\r\n')
        expect((await client.answer()).status).toBe(400)
        await until(() => rig.kit.finished.length === 1)
      },
    },
  }

  interface End {
    readonly come: (rig: EndsRig, client: HttpClient) => void | Promise<void>
    /** What the log says of the exchange that was under way. */
    readonly says: string
    /** What it says in some states, in place of that; '': nothing. */
    readonly but?: Readonly<Record<string, string>>
    /** States in which it cannot come; undefined: none. */
    readonly never?: readonly string[]
  }

  /** States with an attempt. */
  const ATTEMPTED = Object.keys(STATES).filter((name) => STATES[name]?.open === true && name !== 'in a queue')

  const ENDS: Readonly<Record<string, End>> = {
    'the client closes': {
      come: (rig, client) => {
        // Earlier it would be a half-close.
        rig.kit.clock.advance(101)
        client.peer.end()
      },
      says: 'client_gone',
      // An answer to half a head.
      but: { 'in a head': 'bad_request' },
      // It may still read, what is there already: `timeouts.idle` decides.
      never: ['in an answer that the client does not read'],
    },
    'the client resets': { come: (_rig, client) => client.peer.reset(), says: 'client_gone' },
    'the listener is cut': { come: (rig) => rig.listener.cut(), says: 'client_gone' },
    'the time of a drain is over': {
      come: (rig) => {
        rig.kit.engine.cut(failure('draining', 'request', 'operator'))
        rig.listener.cut()
      },
      says: 'draining',
    },
    'the client breaks the protocol': {
      come: (_rig, client) => void client.send('\x00\r\nnonsense\r\n\r\n'),
      says: 'bad_request',
      but: { 'before a byte': 'bad_request', 'in a head': 'bad_request', 'between requests': 'bad_request' },
      // What comes is a body, waits, or is not looked at any more.
      never: Object.keys(STATES).filter((name) => !/a byte|a head|chunks|between/.test(name)),
    },
    'the upstream resets': {
      come: (rig) => rig.kit.latest.fail({}),
      says: 'upstream_reset',
      but: {
        'in the answer': 'response_incomplete',
        'in an answer that the client does not read': 'response_incomplete',
        'in body and answer': 'response_incomplete',
      },
      // Of many requests the next one would begin.
      never: Object.keys(STATES).filter((name) => !ATTEMPTED.includes(name) || name === 'with requests behind it'),
    },
    'nobody says anything any more': {
      async come(rig) {
        for (let i = 0; i < 61; i++) {
          rig.kit.clock.advance(1_000)
          await settle(1)
        }
      },
      says: 'deadline_exceeded',
      but: {
        'in a body that is forwarded': 'request_timeout',
        'in a body that the upstream does not take': 'attempt_timeout',
        'in chunks': 'request_timeout',
        'behind 100 Continue': 'request_timeout',
        'in body and answer': 'request_timeout',
        'in the answer': 'idle_timeout',
        'in an answer that the client does not read': 'request_timeout',
      },
      // Each of many waits in its turn.
      never: ['with requests behind it'],
    },
  }

  let rig: EndsRig
  afterEach(() => rig.stop())

  /** Nothing is held, each exchange has one line. */
  async function clean(lines: readonly string[]): Promise<void> {
    await until(
      () => rig.kit.finished.length >= lines.length && Object.values(rig.held).every((count) => count === 0),
      () => JSON.stringify([rig.told, rig.held]),
    )
    await settle(20)
    expect(rig.told.toSorted()).toEqual([...lines].toSorted())
    expect(new Set(rig.kit.finished.map(({ requestId }) => requestId)).size).toBe(lines.length)
    expect(Object.values(rig.held).filter((count) => count !== 0)).toEqual([])
  }

  describe.each(Object.entries(STATES))('%s', (name, { before = [], open = false, reach }) => {
    test.each(Object.entries(ENDS).filter(([, { never }]) => never?.includes(name) !== true))(
      '%s: one line each, nothing held',
      async (_end, { but = {}, come, says }) => {
        rig = await new EndsRig(http1).start()
        const client = await rig.client()
        await reach(rig, client)
        await come(rig, client)
        const said = but[name] ?? (open ? says : '')
        const lines = said === '' ? [...before] : [...before, said]
        // The garbage is answered once what is before it was, if the client is still there.
        if (name === 'with garbage behind it' && /upstream|nobody/.test(_end)) lines.push('bad_request')
        await clean(lines)
        // Not by a FIN, which would end half a head.
        client.peer.reset()
        rig.kit.clock.advance(31_000)
        await until(() => rig.listener.connections === 0)
        await clean(lines)
      },
    )
  })

  test('those that wait in line for a connection leave it, whoever of them ends first', async () => {
    for (const leave of [0, 1, 2, 3]) {
      rig = await new EndsRig(http1).start()
      const clients: HttpClient[] = []
      for (let i = 1; i <= 4; i++) {
        const client = await rig.client()
        clients.push(client)
        client.send(get())
        await rig.begun(i)
      }
      expect(rig.kit.transport.connections.length).toBe(2)
      clients[leave]?.peer.reset()
      await until(() => rig.kit.finished.length === 1)
      for (let answers = 1; answers <= 3; answers++) {
        const connection = rig.kit.running
        connection.connect()
        connection.answer(200, ['content-length', '0'])
        await until(() => rig.kit.finished.length === answers + 1)
      }
      await clean(['client_gone', '200', '200', '200'])
      await rig.stop()
    }
  })

  test('connections that are refused at the limit, or under overload, have one line each and hold nothing', async () => {
    rig = await new EndsRig(http1).start()
    const clients: HttpClient[] = []
    for (let i = 0; i < 7; i++) clients.push(await rig.client())
    await until(() => rig.kit.finished.length === 2)
    for (const client of clients) client.close()
    await until(() => rig.listener.connections === 0)
    rig.pressure.stage = 3
    const late = await rig.client()
    expect((await late.answer()).status).toBe(503)
    late.close()
    await clean(['connections', 'connections', 'overloaded'])
  })

  test('an early answer of the upstream reaches a client that sends on and reads late', async () => {
    rig = await new EndsRig(http1).start()
    const client = await rig.client()
    client.peer.socket.pause()
    client.send(upload(24_000_000))
    await rig.begun(1)
    rig.kit.latest.connect()
    client.send(Buffer.alloc(1_000_000))
    await until(() => rig.kit.latest.sent !== '')
    rig.kit.latest.answer(401, ['content-length', '5'], 'early')
    for (let i = 1; i < 24; i++) {
      client.send(Buffer.alloc(1_000_000))
      if (i % 8 === 0) await settle(5)
    }
    await until(() => client.peer.socket.writableLength === 0)
    client.peer.socket.resume()
    expect(await client.answer()).toMatchObject({ status: 401, body: 'early', complete: true })
    await client.ended()
    expect(client.peer.error).toBe(undefined)
    await clean(['401'])
  })
})
