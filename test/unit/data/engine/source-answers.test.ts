import { describe, expect, test } from 'vitest'
import type { DownstreamEvents } from '../../../../src/core/downstream.ts'
import { failure } from '../../../../src/core/failures.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { MemorySource, type Source, type SourceEvents } from '../../../../src/core/source.ts'
import type { Reply, WholeReply } from '../../../../src/core/verdict.ts'
import { CollectingDownstream } from '../../../../src/data/engine/collect.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { ScriptedSource } from '../../../kit/scripted-source.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A client that takes nothing until it is told to. */
class SlowClient extends CollectingDownstream {
  readonly written: string[] = []
  takes = true
  headSent = false
  private told: DownstreamEvents | undefined = undefined

  override attach(events: DownstreamEvents): void {
    this.told = events
    super.attach(events)
  }

  override head(status: number, headers: readonly string[]): boolean {
    this.headSent = true
    return super.head(status, headers)
  }

  override write(chunk: Buffer): boolean {
    this.written.push(String(chunk))
    super.write(chunk)
    return this.takes
  }

  drain(): void {
    this.takes = true
    this.told?.onDrain()
  }

  leave(): void {
    this.told?.onGone('closed')
  }
}

interface Rig {
  readonly kit: EngineKit
  readonly client: SlowClient
  /** undefined: it broke, or has not ended. */
  readonly reply: () => WholeReply | undefined
  readonly ended: () => boolean
}

function ask(body: Source, more: Partial<Policy> = {}, method = 'GET', reply: Partial<Reply> = {}): Rig {
  const policy: Policy = { name: 'p', admit: () => ({ status: 200, headers: [], body, ...reply }), ...more }
  const kit = new EngineKit({ policies: [policy], timeouts: { request: 500, idle: 2_000 } })
  let got: WholeReply | undefined
  let ended = false
  const client = new SlowClient(PEER, { method, target: '/', headers: [], body: undefined }, 1_000_000, (whole) => {
    got = whole
    ended = true
  })
  kit.engine.handle(client)
  return { kit, client, reply: () => got, ended: () => ended }
}

function header(reply: Reply | undefined, name: string): string | undefined {
  const at = reply?.headers.indexOf(name) ?? -1
  return at === -1 ? undefined : reply?.headers[at + 1]
}

describe('an answer from a source', () => {
  test.each([
    ['known', 6, '6'],
    ['unknown', undefined, undefined],
  ])('of %s length goes out as it comes', (_, length, announced) => {
    const source = new ScriptedSource(length)
    const { client, kit, reply } = ask(source)
    expect(client.headSent).toBe(false)
    source.data('abc')
    expect(client.written).toEqual(['abc'])
    source.data('def')
    source.end()
    expect(String(reply()?.body)).toBe('abcdef')
    expect(header(reply(), 'content-length')).toBe(announced)
    expect(source.cancelled).toBe(0)
    expect(kit.finished[0]?.failure).toBeUndefined()
    expect(client.bytesOut).toBe(6)
    expect(kit.inFlight).toBe(0)
  })

  test('an empty chunk lets the head go out', () => {
    const source = new ScriptedSource()
    const { client, reply } = ask(source)
    source.data('')
    expect(client.headSent).toBe(true)
    source.end()
    expect(reply()?.body).toBeUndefined()
  })

  test.each(['HEAD', '304', '204'])('%s has no body: the source is cancelled, and never started', (what) => {
    const source = new ScriptedSource(6)
    const { reply } = ask(source, {}, what === 'HEAD' ? 'HEAD' : 'GET', what === 'HEAD' ? {} : { status: Number(what) })
    expect(source.calls).toEqual(['cancel'])
    expect(reply()?.body).toBeUndefined()
    expect(header(reply(), 'content-length')).toBe('6')
  })

  test('a hook that takes the body away ends the source', () => {
    const source = new ScriptedSource(3)
    const { reply } = ask(source, {
      respond: (ex) => {
        if (ex.response !== undefined) ex.response.status = 304
      },
    })
    source.data('abc')
    expect(reply()).toMatchObject({ status: 304, body: undefined })
    expect(source.cancelled).toBe(1)
  })

  test('pauses while the client does not take it, and goes on when it does', () => {
    const source = new ScriptedSource()
    const { client, reply } = ask(source)
    client.takes = false
    source.data('one')
    expect(source.paused).toBe(true)
    client.drain()
    expect(source.paused).toBe(false)
    source.data('two')
    source.end()
    expect(String(reply()?.body)).toBe('onetwo')
  })

  test('waits for an asynchronous hook with no more than one chunk', async () => {
    const source = new ScriptedSource()
    const { client, reply } = ask(source, { respond: () => turn() })
    source.data('one')
    expect(source.paused).toBe(true)
    expect(client.headSent).toBe(false)
    await turn()
    await turn()
    expect(source.paused).toBe(false)
    source.end()
    expect(String(reply()?.body)).toBe('one')
  })

  test('a client that leaves cancels it, once, at each point', () => {
    for (const point of ['before', 'midway', 'paused'] as const) {
      const source = new ScriptedSource(9)
      const { client, kit } = ask(source)
      client.takes = point !== 'paused'
      if (point !== 'before') source.data('abc')
      client.leave()
      source.data('def')
      source.end()
      expect(source.cancelled).toBe(1)
      expect(kit.finished[0]?.failure?.reason).toBe('client_gone')
      expect(client.written).toEqual(point === 'before' ? [] : ['abc'])
      expect(kit.inFlight).toBe(0)
    }
  })

  test('silence before the first byte is ended by the deadline, with a problem', () => {
    const source = new ScriptedSource()
    const seen: number[] = []
    const { kit, reply } = ask(source, { respond: (ex) => void seen.push(ex.response?.status ?? 0) })
    kit.clock.advance(520)
    expect(reply()?.status).toBe(504)
    expect(seen).toEqual([504])
    expect(source.cancelled).toBe(1)
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'deadline_exceeded', origin: 'sluice' })
  })

  test('silence midway is ended by the idle time-out, as a fault of our own', () => {
    const source = new ScriptedSource()
    const { kit, ended, reply } = ask(source)
    source.data('abc')
    kit.clock.advance(1_500)
    source.data('def')
    kit.clock.advance(1_500)
    expect(ended()).toBe(false)
    kit.clock.advance(1_000)
    expect(ended()).toBe(true)
    expect(reply()).toBeUndefined()
    expect(source.cancelled).toBe(1)
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'idle_timeout', phase: 'body', origin: 'sluice' })
  })

  test('a client that takes nothing is ended as its own fault', () => {
    const source = new ScriptedSource()
    const { client, kit } = ask(source)
    client.takes = false
    source.data('abc')
    kit.clock.advance(2_600)
    expect(source.cancelled).toBe(1)
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'request_timeout', origin: 'client' })
  })

  test('a drain that is cut cancels it', () => {
    const source = new ScriptedSource()
    const { kit } = ask(source)
    source.data('abc')
    kit.engine.cut(failure('draining', 'body', 'operator'))
    expect(source.cancelled).toBe(1)
    expect(kit.finished[0]?.failure?.reason).toBe('draining')
  })
})

describe('a source that breaks', () => {
  test.each([
    ['an error', new Error('bad disk'), 500, 'internal', 1],
    ['a failure', failure('upstream_reset', 'body', 'upstream'), 502, 'upstream_reset', 0],
  ] as const)('with %s before the first byte is a problem', (_, why, status, reason, bugs) => {
    const source = new ScriptedSource(3)
    const seen: number[] = []
    const { kit, reply } = ask(source, { respond: (ex) => void seen.push(ex.response?.status ?? 0) })
    source.fail(why)
    expect(reply()?.status).toBe(status)
    expect(JSON.parse(String(reply()?.body))).toMatchObject({ reason })
    expect(seen).toEqual([status])
    expect(kit.bugs).toHaveLength(bugs)
    expect(source.cancelled).toBe(0)
  })

  test.each([
    ['an error', new Error('bad disk'), 'sluice', 'internal'],
    ['a failure', failure('upstream_reset', 'body', 'upstream'), 'upstream', 'upstream_reset'],
  ] as const)('with %s midway breaks the answer visibly', (_, why, origin, detail) => {
    const source = new ScriptedSource(6)
    const { kit, ended, reply } = ask(source)
    source.data('abc')
    source.fail(why)
    expect(ended()).toBe(true)
    expect(reply()).toBeUndefined()
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'response_incomplete', phase: 'body', origin, detail })
    expect(kit.inFlight).toBe(0)
  })

  test('while a hook waits, the answer is still a problem', async () => {
    const source = new ScriptedSource(6)
    const { reply } = ask(source, { respond: () => turn() })
    source.data('abc')
    source.fail(new Error('bad disk'))
    expect(reply()?.status).toBe(500)
    await turn()
    expect(reply()?.status).toBe(500)
  })

  test.each(['more', 'less'])('with %s than its length is broken in the same way', (what) => {
    const source = new ScriptedSource(4)
    const { client, kit, reply } = ask(source)
    source.data('abc')
    if (what === 'more') source.data('de')
    else source.end()
    expect(reply()).toBeUndefined()
    expect(client.written).toEqual(['abc'])
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'response_incomplete', origin: 'sluice' })
    expect(kit.bugs.map(String)).toEqual([`Error: a source gave ${what} than its length`])
    expect(source.cancelled).toBe(what === 'more' ? 1 : 0)
  })
})

describe('a source that does not keep to its contract', () => {
  /** Throws from that call on. */
  const thrower = (what: 'start' | 'pause' | 'resume' | 'cancel', from = 1): ScriptedSource => {
    const source = new ScriptedSource()
    let calls = 0
    const plain = source[what].bind(source) as (events: SourceEvents) => void
    source[what] = (events?: SourceEvents): void => {
      plain(events as SourceEvents)
      if (++calls >= from) throw new Error(`${what} is broken`)
    }
    return source
  }

  test('throws at its start: a problem', () => {
    const source = thrower('start')
    const { kit, reply } = ask(source)
    expect(reply()?.status).toBe(500)
    expect([source.cancelled, kit.bugs.length, kit.inFlight]).toEqual([1, 1, 0])
  })

  test.each(['pause', 'resume'] as const)('throws when it is told to %s: a broken answer', (what) => {
    // The first time it waits for the head.
    const source = thrower(what, 2)
    const { client, ended, kit, reply } = ask(source)
    source.data('abc')
    client.takes = false
    source.data('def')
    client.drain()
    expect([ended(), reply()]).toEqual([true, undefined])
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'response_incomplete', origin: 'sluice' })
    expect([source.cancelled, kit.bugs.map(String)]).toEqual([1, [`Error: ${what} is broken`]])
  })

  test('throws before the head is out: a problem', () => {
    const source = thrower('pause')
    const { kit, reply } = ask(source)
    source.data('abc')
    expect(reply()?.status).toBe(500)
    expect([source.cancelled, kit.bugs.length, kit.inFlight]).toEqual([1, 1, 0])
  })

  test('throws when it is cancelled: reported, and all else is given back', async () => {
    const source = thrower('cancel')
    const { client, kit } = ask(source)
    source.data('abc')
    client.leave()
    expect([kit.bugs.map(String), kit.inFlight, kit.engine.running]).toEqual([['Error: cancel is broken'], 0, 0])

    let answer: (reply: Reply) => void = () => {}
    const late = ask(source, { admit: () => new Promise((resolve) => (answer = resolve)) })
    late.client.leave()
    answer({ status: 200, headers: [], body: thrower('cancel') })
    await turn()
    expect(late.kit.engine.running).toBe(0)
  })

  test('gives a text: a problem', () => {
    const source = new ScriptedSource()
    const { kit, reply } = ask(source, {
      admit: () => ({ status: 200, headers: [], body: source }),
    })
    source.give('text' as never)
    expect(reply()?.status).toBe(500)
    expect([source.cancelled, kit.bugs.length]).toEqual([1, 1])
  })
})

describe('stages of the answer', () => {
  const stage = (changesLength: boolean): Partial<Policy> => ({
    responseBody: () => ({
      changesLength,
      push: (chunk) => Buffer.from(`<${chunk}>`.slice(0, changesLength ? undefined : chunk.length)),
      end: () => (changesLength ? Buffer.from('!') : undefined),
    }),
  })

  test('see a source', () => {
    const source = new ScriptedSource(3)
    const { reply } = ask(source, stage(true))
    source.data('abc')
    source.end()
    expect(String(reply()?.body)).toBe('<abc>!')
    expect(header(reply(), 'content-length')).toBeUndefined()
  })

  test('see a body in memory, also that of a failure', () => {
    const whole: Partial<Reply> = { headers: ['content-length', '3'], body: Buffer.from('abc') }
    const { reply } = ask(new ScriptedSource(), stage(true), 'GET', whole)
    expect(String(reply()?.body)).toBe('<abc>!')
    expect(header(reply(), 'content-length')).toBeUndefined()
    const refused = ask(new ScriptedSource(), { ...stage(true), admit: () => ({ reason: 'forbidden' }) })
    expect(refused.reply()?.status).toBe(403)
    expect(String(refused.reply()?.body)).toMatch(/^<\{.*\}>!$/)
  })

  test('one that cannot be made is a problem, and cancels the source', () => {
    const source = new ScriptedSource(3)
    const { kit, reply } = ask(source, {
      responseBody: () => {
        throw new Error('no stage')
      },
    })
    expect(source.calls).toEqual(['cancel'])
    expect(reply()?.status).toBe(500)
    expect(kit.bugs.length).toBeGreaterThan(0)
  })
})

describe('a reply that is not sent', () => {
  test('of an admit that was late cancels its source', async () => {
    const source = new ScriptedSource()
    let answer: (reply: Reply) => void = () => {}
    const { client } = ask(source, { admit: () => new Promise((resolve) => (answer = resolve)) })
    client.leave()
    answer({ status: 200, headers: [], body: source })
    await turn()
    expect(source.calls).toEqual(['cancel'])
  })

  test('of a recover that was late cancels its source', async () => {
    const source = new ScriptedSource()
    let answer: (reply: Reply) => void = () => {}
    const { client } = ask(source, {
      admit: () => ({ reason: 'overloaded' }),
      recover: () => new Promise((resolve) => (answer = resolve)),
    })
    client.leave()
    answer({ status: 200, headers: [], body: source })
    await turn()
    expect(source.calls).toEqual(['cancel'])
  })

  test('an event stream counts as one, and is refused as one', () => {
    const source = new ScriptedSource()
    const events: Partial<Reply> = { headers: ['content-type', 'text/event-stream'] }
    const { reply } = ask(source, { stream: () => ({ reason: 'streams_full' }) }, 'GET', events)
    expect(reply()?.status).toBe(503)
    expect(source.calls).toEqual(['cancel'])
  })
})

test('an answer of a recover may come from a source', () => {
  const { kit, reply } = ask(new MemorySource(Buffer.from('kept')), {
    admit: () => ({ reason: 'overloaded' }),
    recover: () => ({ status: 200, headers: [], body: new MemorySource(Buffer.from('kept')) }),
  })
  expect(String(reply()?.body)).toBe('kept')
  expect(kit.finished[0]?.degraded).toBe('overloaded')
})
