import { describe, expect, test } from 'vitest'
import type { BodyStage, Policy } from '../../../../src/core/policy.ts'
import type { Reply } from '../../../../src/core/verdict.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'

const TEAPOT: Reply = { status: 418, headers: ['content-length', '3'], body: Buffer.from('tea') }

/** A policy that writes down which of its hooks ran. */
function traced(name: string, trace: string[], more: Partial<Policy> = {}): Policy {
  return {
    name,
    admit: () => void trace.push(`${name}.admit`),
    attempt: () => void trace.push(`${name}.attempt`),
    attempted: (_ex, at) => void trace.push(`${name}.attempted ${at.head?.outcome}`),
    recover: () => void trace.push(`${name}.recover`),
    respond: () => void trace.push(`${name}.respond`),
    settle: () => void trace.push(`${name}.settle`),
    ...more,
  }
}

/** A client whose answer is handed to the operating system later than it ends. */
class SlowToEnd extends ScriptedDownstream {
  override end(): void {}

  sent(): void {
    super.end()
  }
}

function header(reply: Reply | undefined, name: string): string | undefined {
  const at = reply?.headers.indexOf(name) ?? -1
  return at === -1 ? undefined : reply?.headers[at + 1]
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the hooks of policies', () => {
  test('run in stage order, respond and settle in reverse, each once', () => {
    const trace: string[] = []
    const kit = new EngineKit({ policies: [traced('a', trace), traced('b', trace)] })
    kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(trace).toEqual([
      'a.admit',
      'b.admit',
      'a.attempt',
      'b.attempt',
      'a.attempted ok',
      'b.attempted ok',
      'b.respond',
      'a.respond',
      'b.settle',
      'a.settle',
    ])
  })

  test('a refusal ends the admit loop; only policies that were reached respond and settle', () => {
    const trace: string[] = []
    const no = { reason: 'rate_limited', retryAfterMs: 2500 } as const
    const kit = new EngineKit({
      policies: [traced('a', trace), traced('b', trace, { admit: () => no }), traced('c', trace)],
    })
    const sent = kit.send()
    expect(sent.reply?.status).toBe(429)
    expect(header(sent.reply, 'retry-after')).toBe('3')
    expect(trace).toEqual(['a.admit', 'a.recover', 'b.recover', 'b.respond', 'a.respond', 'b.settle', 'a.settle'])
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'rate_limited', phase: 'limit', origin: 'client' })
  })

  test('a reply answers without an upstream and carries our fields', () => {
    const kit = new EngineKit({ policies: [traced('a', [], { admit: () => TEAPOT })] })
    const sent = kit.send('GET', '/', ['x-correlation-id', 'c-1'])
    expect(sent.reply).toMatchObject({ status: 418, body: TEAPOT.body })
    expect(header(sent.reply, 'x-correlation-id')).toBe('c-1')
    expect(kit.transport.connections.length).toBe(0)
    expect(kit.finished[0]?.failure).toBeUndefined()
  })

  test('HEAD gets the head of a reply only', () => {
    const kit = new EngineKit({ policies: [traced('a', [], { admit: () => TEAPOT })] })
    expect(kit.send('HEAD').reply).toMatchObject({ status: 418, body: undefined })
  })

  test('an asynchronous admit goes on where it stopped', async () => {
    const trace: string[] = []
    const kit = new EngineKit({
      policies: [traced('a', trace, { admit: async () => void trace.push('a.late') }), traced('b', trace)],
    })
    kit.send()
    expect(kit.transport.connections.length).toBe(0)
    await turn()
    expect(trace.slice(0, 3)).toEqual(['a.late', 'b.admit', 'a.attempt'])
  })

  test.each(['client', 'deadline', 'drain'] as const)(
    'a pending admit is told to leave when %s ends the exchange',
    async (why) => {
      const left: string[] = []
      let admit: () => void = () => {}
      const pending = new Promise<undefined>((resolve) => {
        admit = () => resolve(undefined)
      })
      const kit = new EngineKit({
        policies: [traced('a', [], { admit: () => pending, left: (_ex, reason) => void left.push(reason) })],
        timeouts: { request: 1000 },
      })
      const sent = kit.send()
      if (why === 'client') sent.downstream.reset()
      else if (why === 'deadline') kit.clock.advance(1020)
      else kit.engine.cut({ reason: 'draining', phase: 'request', origin: 'operator' })
      expect(left).toEqual([why])
      expect(kit.finished.length).toBe(1)
      admit()
      await turn()
      expect(kit.transport.connections.length).toBe(0)
      expect(kit.inFlight).toBe(0)
    },
  )

  test('a refused attempt is no attempt: the next upstream follows, and attempted is owed to those that let it pass', () => {
    const trace: string[] = []
    const picky = traced('b', trace, {
      attempt: (_ex, at) => (at.upstream === 'a' ? { reason: 'breaker_open' } : undefined),
    })
    const kit = new EngineKit({ policies: [traced('a', trace), picky], upstreams: { a: 1, b: 1 } })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(sent.reply?.status).toBe(200)
    expect(kit.finished[0]?.attempts).toBe(1)
    expect(kit.attempts.map(({ upstream }) => upstream)).toEqual(['b'])
    const firsts = trace.indexOf('a.attempted ok')
    expect(trace.slice(0, firsts + 1)).toEqual(['a.admit', 'b.admit', 'a.attempt', 'a.attempted ok'])
    expect(trace.filter((step) => step === 'b.attempted ok').length).toBe(1)
  })

  test('when every candidate is refused the refusal is the answer', () => {
    const kit = new EngineKit({
      policies: [traced('a', [], { attempt: () => ({ reason: 'breaker_open', retryAfterMs: 4000 }) })],
    })
    const sent = kit.send()
    expect(sent.reply?.status).toBe(503)
    expect(header(sent.reply, 'retry-after')).toBe('4')
    expect(kit.finished[0]?.attempts).toBe(0)
  })

  test('the first policy that recovers answers, marked as degraded', async () => {
    for (const late of [true, false]) {
      const trace: string[] = []
      const kit = new EngineKit({
        policies: [
          traced('a', trace),
          traced('b', trace, { recover: () => (late ? Promise.resolve(TEAPOT) : TEAPOT) }),
          traced('c', trace),
        ],
        upstreams: { a: 0 },
      })
      const sent = kit.send()
      await turn()
      expect(sent.reply?.status).toBe(418)
      expect(header(sent.reply, 'sluice-degraded')).toBe('no_endpoint')
      expect(kit.finished[0]).toMatchObject({ degraded: 'no_endpoint' })
      expect(trace).not.toContain('c.recover')
    }
  })

  test('a recovery that hangs past the deadline gets a second, then the failure goes out', async () => {
    const kit = new EngineKit({
      policies: [traced('a', [], { recover: () => new Promise(() => {}) })],
      upstreams: { a: 0 },
      timeouts: { request: 100 },
    })
    const sent = kit.send()
    kit.clock.advance(900)
    expect(sent.ended).toBe(false)
    kit.clock.advance(200)
    expect(sent.reply?.status).toBe(504)
    expect(kit.inFlight).toBe(0)
  })

  test('respond may change every head; while it waits the upstream is paused and nothing is lost', async () => {
    let go: () => void = () => {}
    const kit = new EngineKit({
      policies: [
        traced('a', [], {
          respond: (ex) => {
            ex.response?.headers.push('x-late', '1')
            return new Promise<void>((resolve) => {
              go = resolve
            })
          },
        }),
      ],
    })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.events.onHead(200, [])
    kit.latest.events.onData(Buffer.from('one'))
    expect(kit.latest.paused).toBe(true)
    kit.latest.events.onData(Buffer.from('two'))
    kit.latest.finish()
    expect(sent.ended).toBe(false)
    go()
    await turn()
    expect(sent.reply).toMatchObject({ status: 200, body: Buffer.from('onetwo') })
    expect(header(sent.reply, 'x-late')).toBe('1')
  })

  test('a respond that never returns is ended by the deadline', () => {
    const kit = new EngineKit({
      policies: [traced('a', [], { respond: () => new Promise(() => {}) })],
      timeouts: { request: 500 },
    })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.events.onHead(200, [])
    kit.clock.advance(520)
    expect(sent.reply?.status).toBe(504)
    expect(kit.latest.aborted).toBe(true)
  })

  test('a request body stage sees, changes and refuses chunks before anything goes up', () => {
    const stage = (push: BodyStage['push'], end: BodyStage['end'] = () => undefined): Policy =>
      traced('a', [], { requestBody: () => ({ changesLength: true, push, end }) })
    const upper = new EngineKit({
      policies: [
        stage(
          (chunk) => [Buffer.from(chunk.toString().toUpperCase()), Buffer.from('-')],
          () => Buffer.from('end'),
        ),
      ],
    })
    upper.send('POST', '/', [], 'body')
    upper.latest.connect()
    expect(upper.latest).toMatchObject({ sent: 'BODY-end', ended: true })
    expect(upper.latest.request?.contentLength).toBe(-1)

    const refusing = new EngineKit({ policies: [stage(() => ({ reason: 'body_too_large' }))] })
    const sent = refusing.send('POST', '/', [], 'body')
    refusing.latest.connect()
    expect(sent.reply?.status).toBe(413)
    expect(refusing.latest.sent).toBe('')
    expect(refusing.latest.aborted).toBe(true)
  })

  test('response body stages run from the inside out; the length goes only where one changes it', () => {
    const wrap = (mark: string, changesLength: boolean): Partial<Policy> => ({
      responseBody: () => ({
        changesLength,
        push: (chunk) => (changesLength ? Buffer.from(`${mark}(${chunk})`) : chunk),
        end: () => (changesLength ? Buffer.from(mark) : undefined),
      }),
    })
    for (const changes of [true, false]) {
      const kit = new EngineKit({
        policies: [traced('a', [], wrap('a', changes)), traced('b', [], wrap('b', changes))],
      })
      const sent = kit.send()
      kit.latest.connect()
      kit.latest.answer(200, ['content-length', '1'], 'x')
      expect(sent.reply?.body?.toString()).toBe(changes ? 'a(b(x))a(b)a' : 'x')
      expect(header(sent.reply, 'content-length')).toBe(changes ? undefined : '1')
    }
  })

  test.each(['admit', 'attempt', 'attempted', 'respond', 'requestBody', 'responseBody', 'settle', 'recover'] as const)(
    'a %s that throws is reported; other settles still run and nothing leaks',
    (hook) => {
      const trace: string[] = []
      const broken = traced('b', trace, {
        [hook]: () => {
          throw new Error(`thrown by ${hook}`)
        },
      })
      const kit = new EngineKit({
        policies: [traced('a', trace), broken],
        ...(hook === 'recover' ? { upstreams: { a: 0 } } : {}),
      })
      const sent = kit.send('POST', '/', [], 'body')
      if (hook !== 'admit' && hook !== 'attempt' && hook !== 'requestBody' && hook !== 'recover') {
        kit.latest.connect()
        kit.latest.answer(200)
      }
      expect(kit.bugs.map(String)).toEqual([`Error: thrown by ${hook}`])
      expect(sent.ended).toBe(true)
      expect(sent.reply?.status).toBe(hook === 'settle' ? 200 : hook === 'recover' ? 503 : 500)
      expect(trace).toContain('a.settle')
      expect(kit.finished.length).toBe(1)
      expect(kit.inFlight).toBe(0)
    },
  )

  test.each([
    ['attempt', 0],
    ['attempted', 200],
    ['attempted', 'reset'],
    ['attempted', 'expired'],
    ['unusable', 503],
    ['stream', 200],
  ] as const)(
    'a %s hook that throws (answer: %s) leaves its answer whole, though it is still on its way',
    (hook, by) => {
      const throws = {
        name: 't',
        [hook]: () => {
          throw new Error('of the hook')
        },
      }
      const kit = new EngineKit({ policies: [throws], timeouts: { request: 1_000 }, retries: { when: ['reset'] } })
      const client = new SlowToEnd()
      kit.engine.handle(client)
      if (by === 'expired') kit.clock.advance(1_100)
      else if (by !== 0) {
        kit.latest.connect()
        if (by === 'reset') kit.latest.fail({})
        else kit.latest.events.onHead(by, ['content-type', 'text/event-stream'])
      }
      kit.clock.advance(300)
      expect(client.got.filter((piece) => typeof piece === 'number' || piece === 'reset')).toEqual([500])
      client.sent()
      expect([kit.bugs.map(String), kit.finished.length]).toEqual([['Error: of the hook'], 1])
      expect(kit.finished[0]?.failure?.reason).toBe('internal')
      expect([kit.inFlight, kit.heldByAttempts, kit.transport.connections.length]).toEqual([
        0,
        0,
        hook === 'attempt' ? 0 : 1,
      ])
    },
  )

  test('an asynchronous hook that rejects is internal', async () => {
    for (const hook of ['admit', 'respond', 'recover'] as const) {
      const kit = new EngineKit({
        policies: [traced('a', [], { [hook]: () => Promise.reject(new Error('no')) })],
        ...(hook === 'recover' ? { upstreams: { a: 0 } } : {}),
      })
      const sent = kit.send()
      if (hook === 'respond') {
        kit.latest.connect()
        kit.latest.answer(200)
      }
      await turn()
      expect(sent.reply?.status).toBe(500)
      expect(kit.bugs.length).toBe(1)
    }
  })

  test('state is per policy and request', () => {
    const seen: unknown[] = []
    const keeping = (name: string, slot: number): Policy => ({
      name,
      admit: (ex) => {
        ex.state[slot] = `${name}:${ex.requestId}`
      },
      settle: (ex) => void seen.push(ex.state[slot]),
    })
    const kit = new EngineKit({ policies: [keeping('a', 0), keeping('b', 1)] })
    for (let i = 0; i < 2; i++) {
      kit.send()
      kit.latest.connect()
      kit.latest.answer(200)
    }
    const ids = kit.finished.map((ex) => ex.requestId)
    expect(seen).toEqual([`b:${ids[0]}`, `a:${ids[0]}`, `b:${ids[1]}`, `a:${ids[1]}`])
  })

  test.each(['at once', 'later'])(
    'what may wait may be any thenable, not a promise alone: settled %s',
    async (when) => {
      const trace: string[] = []
      const after = <T>(hook: string, value: T): PromiseLike<T> =>
        thenable((done) => {
          const settle = (): void => {
            trace.push(hook)
            done(value)
          }
          if (when === 'at once') settle()
          else queueMicrotask(settle)
        })
      const kit = new EngineKit({
        policies: [
          traced('a', trace, {
            admit: () => after('a.admitted', undefined),
            recover: () => after('a.recovered', undefined),
            respond: () => after('a.responded', undefined),
          }),
          traced('b', trace, {
            recover: () => after('b.recovered', TEAPOT),
          }),
        ],
      })
      const sent = kit.send('POST')
      expect(kit.transport.connections.length).toBe(0)
      await turn()
      kit.latest.connect()
      kit.latest.fail({})
      await turn()
      expect(sent.reply).toMatchObject({ status: 418, body: TEAPOT.body })
      expect(trace.filter((step) => !step.includes('attempt'))).toEqual([
        'a.admitted',
        'b.admit',
        'a.recovered',
        'b.recovered',
        'b.respond',
        'a.responded',
        'b.settle',
        'a.settle',
      ])
      expect(kit.bugs).toEqual([])
    },
  )

  test('a thenable that is rejected, or throws, is internal', async () => {
    const rejects = thenable<undefined>((_done, failed) => failed(new Error('mine')))
    const throws = thenable<undefined>(() => {
      throw new Error('mine')
    })
    for (const given of [rejects, throws]) {
      for (const hook of ['admit', 'recover', 'respond'] as const) {
        const kit = new EngineKit({ policies: [traced('a', [], { [hook]: () => given })] })
        const sent = kit.send('POST')
        if (hook !== 'admit') kit.latest.connect()
        if (hook === 'recover') kit.latest.fail({})
        if (hook === 'respond') kit.latest.answer(200)
        await turn()
        expect(sent.reply?.status, hook).toBe(500)
        expect(kit.bugs.length).toBe(1)
        expect(kit.inFlight).toBe(0)
      }
    }
  })
})

/** A promise of some library: all that is known of it is `then`. */
function thenable<T>(settles: (done: (value: T) => void, failed: (error: unknown) => void) => void): PromiseLike<T> {
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  return { then: settles } as unknown as PromiseLike<T>
}
