import { describe, expect, test } from 'vitest'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'
import type { ScriptedConnection } from '../../../kit/scripted-transport.ts'

const KIB = 1024
const FIRST = 64 * KIB
const OFF: EngineSetUp = { buffering: { request: 'off', response: 'off' } }
const GRPC = ['content-type', 'application/grpc']
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Time stands still unless a test lets it go on: what is seen behind a call has happened in that call. */
class Rig {
  readonly kit: EngineKit

  constructor(setUp: EngineSetUp = {}) {
    this.kit = new EngineKit({ buffering: {}, retries: { maxExtra: 0 }, ...setUp })
  }

  post(contentLength: number, headers: readonly string[] = []): MemoryDownstream {
    const client = new MemoryDownstream({
      method: 'POST',
      target: '/',
      host: 'a.test',
      headers,
      peer: PEER,
      contentLength,
    })
    // What speaks gRPC speaks HTTP/2.
    if (headers === GRPC) Object.assign(client, { protocol: 'HTTP/2' })
    this.kit.engine.handle(client)
    return client
  }

  get upstream(): ScriptedConnection {
    return this.kit.running
  }

  get dialled(): number {
    return this.kit.transport.connections.length
  }

  /** All that was held is given back. */
  ended(): void {
    expect(this.kit.bugs).toEqual([])
    expect(this.kit.engine.running).toBe(0)
    expect([this.kit.engine.replay.held, this.kit.engine.answers.held]).toEqual([0, 0])
    expect(this.kit.heldByAttempts).toBe(0)
  }
}

/** How the gate opens: the upload so far is what it returns. */
const OPENED: readonly [
  string,
  EngineSetUp,
  number,
  readonly string[],
  (rig: Rig, client: MemoryDownstream) => string,
][] = [
  ['without buffering, before any byte of it', OFF, -1, [], () => ''],
  ['of gRPC, before any byte of it', {}, -1, GRPC, () => ''],
  ['behind its first 64 KiB, chunked', {}, -1, [], first],
  ['behind its first 64 KiB, with a length', {}, FIRST + 25, [], first],
  ['behind 100 ms without a byte', {}, -1, [], silence],
]

function first(_rig: Rig, client: MemoryDownstream): string {
  client.feed(Buffer.alloc(FIRST, 'x'))
  return 'x'.repeat(FIRST)
}

function silence(rig: Rig, client: MemoryDownstream): string {
  client.feed(Buffer.from('x'))
  expect(rig.dialled).toBe(0)
  rig.kit.clock.advance(111)
  return 'x'
}

describe.each(OPENED)('an upload %s', (_name, setUp, length, headers, open) => {
  test('and its answer flow at the same time, part by part, with the trailers of both', async () => {
    const rig = new Rig(setUp)
    const client = rig.post(length, headers)
    const before = open(rig, client)
    const { upstream } = rig
    upstream.connect()
    expect(upstream.sent).toBe(before)
    upstream.events.onHead(200, ['content-type', 'text/plain'])
    expect([client.status, client.body]).toEqual([200, 'wanted'])
    let [up, down] = [before, '']
    for (let i = 0; i < 5; i++) {
      client.feed(Buffer.from(`up ${i};`))
      up += `up ${i};`
      expect(upstream.sent).toBe(up)
      upstream.events.onData(Buffer.from(`down ${i};`))
      down += `down ${i};`
      expect(client.answer.toString()).toBe(down)
    }
    client.feedEnd(['x-up', '1'])
    expect([upstream.ended, upstream.trailers]).toEqual([true, ['x-up', '1']])
    upstream.events.onTrailers(['x-down', '2'])
    expect(client.answerTrailers).toEqual(['x-down', '2'])
    upstream.finish()
    await settled()
    expect(client.state).toBe('sent')
    rig.ended()
  })

  test('lets an answer pass that ends before it does', async () => {
    const rig = new Rig(setUp)
    const client = rig.post(length, headers)
    open(rig, client)
    const { upstream } = rig
    upstream.connect()
    // It does not read: what the client has sent waits here.
    upstream.room = false
    client.feed(Buffer.from('more'))
    expect(client.body).toBe('paused')
    upstream.answer(413, ['content-length', '5'], 'large')
    expect([client.status, client.answer.toString()]).toEqual([413, 'large'])
    await settled()
    expect([client.state, client.body]).toEqual(['sent', 'discarded'])
    rig.ended()
  })

  test('gets events one by one, and nothing of them is kept', () => {
    const rig = new Rig(setUp)
    const client = rig.post(length, headers)
    open(rig, client)
    const { upstream } = rig
    upstream.connect()
    upstream.events.onHead(200, ['content-type', 'text/event-stream'])
    for (let i = 0; i < 3; i++) {
      upstream.events.onData(Buffer.from(`data: ${i}\n\n`))
      expect(client.chunks.at(-1)?.toString()).toBe(`data: ${i}\n\n`)
      rig.kit.clock.advance(1_000)
    }
    // The first one goes into its socket, which is full then; nothing is kept behind it.
    client.block()
    upstream.events.onData(Buffer.from('data: 3\n\n'))
    expect([upstream.paused, rig.kit.engine.answers.held]).toEqual([true, 0])
    client.unblock()
    expect(upstream.paused).toBe(false)
    upstream.events.onData(Buffer.from('data: 4\n\n'))
    expect(client.chunks.at(-1)?.toString()).toBe('data: 4\n\n')
    client.leave()
    rig.ended()
  })

  test('gets 102 and 103 before it has ended', () => {
    const rig = new Rig(setUp)
    const client = rig.post(length, headers)
    open(rig, client)
    rig.upstream.connect()
    rig.upstream.events.onInformational(103, ['link', '</a.css>'])
    expect(client.informationals).toEqual([[103, ['link', '</a.css>']]])
    client.leave()
    rig.ended()
  })
})

describe('trailers of an upload', () => {
  test('that ends at the gate go out behind all of it, once there is a connection', () => {
    const rig = new Rig()
    const client = rig.post(-1)
    client.feed(Buffer.from('all'))
    client.feedEnd(['x-up', '1'])
    rig.upstream.connect()
    expect([rig.upstream.sent, rig.upstream.ended, rig.upstream.trailers]).toEqual(['all', true, ['x-up', '1']])
    client.leave()
    rig.ended()
  })
})

describe('a client that waits for 100 Continue', () => {
  const EXPECT = ['expect', '100-continue']

  function post(rig: Rig, length: number): ScriptedDownstream {
    const client = new ScriptedDownstream('POST', '/', EXPECT, length)
    rig.kit.engine.handle(client)
    return client
  }

  test.each([4, -1, FIRST + 1])('is told to go on at the gate, with its head (length %i)', (length) => {
    const rig = new Rig()
    const client = post(rig, length)
    expect([client.body, rig.dialled]).toEqual([['start'], 0])
    client.leaves()
    rig.ended()
  })

  test('is told so without buffering when a connection is there, and no sooner', () => {
    const rig = new Rig(OFF)
    const client = post(rig, 4)
    expect([client.body, rig.dialled]).toEqual([[], 1])
    rig.kit.clock.advance(500)
    expect(client.body).toEqual([])
    rig.upstream.connect()
    expect(client.body).toEqual(['start'])
    client.sends('body')
    client.ends()
    expect([rig.upstream.sent, rig.upstream.ended]).toEqual(['body', true])
    rig.upstream.answer(201)
    expect(client.status).toBe(201)
    rig.ended()
  })

  test('keeps its body without buffering where the answer, or the failure, is there before', () => {
    const refused = new Rig(OFF)
    const client = post(refused, 4)
    const { upstream } = refused
    upstream.events.onConnected(false)
    upstream.answer(401, ['content-length', '0'])
    expect([client.status, client.body]).toEqual([401, ['discard']])
    refused.ended()
    const dead = new Rig(OFF)
    const other = post(dead, 4)
    dead.upstream.fail({ reason: 'connect_refused' })
    expect([other.status, other.body]).toEqual([502, ['discard']])
    dead.ended()
  })
})
