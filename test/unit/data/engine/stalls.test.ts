import { describe, expect, test } from 'vitest'
import type { Relief } from '../../../../src/core/relief.ts'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { bulkhead } from '../../../../src/features/bulkhead/feature.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'
import { TestMail } from '../../../kit/mail.ts'
import type { ScriptedConnection } from '../../../kit/scripted-transport.ts'

const MIN_RATE = { bytes: 1024, window: 600_000 }
/** A look sees it first within 1 s, and must have seen it for 5 s. */
const STALLED_MS = 6_000

/** Clients by name of what they do; all on one route and endpoint, with one connection unless it says otherwise. */
class Rig {
  readonly kit: EngineKit

  constructor(setUp: EngineSetUp = {}) {
    this.kit = new EngineKit({
      connections: { max: 1, maxWaiting: 10 },
      timeouts: { minRate: MIN_RATE, request: undefined },
      ...setUp,
    })
  }

  /** Sends a head with a body of 1 MB, and nothing of it. */
  upload(): { client: MemoryDownstream; connection: ScriptedConnection } {
    const client = this.request('POST', 1_000_000)
    const connection = this.kit.latest
    if (connection?.busy) connection.connect()
    return { client, connection }
  }

  /** Gets an answer of which it reads the first byte only. */
  reader(headers: readonly string[] = []): { client: MemoryDownstream; connection: ScriptedConnection } {
    const client = this.request('GET', 0)
    const connection = this.kit.latest
    connection.connect()
    connection.events.onHead(200, headers)
    client.block()
    connection.events.onData(Buffer.from('a'))
    return { client, connection }
  }

  request(method: string, contentLength: number): MemoryDownstream {
    const client = new MemoryDownstream({ method, target: '/', host: 'a.test', headers: [], peer: PEER, contentLength })
    this.kit.engine.handle(client)
    return client
  }

  get(): MemoryDownstream {
    return this.request('GET', 0)
  }

  /** One second after another. */
  pass(ms: number, each?: () => void): void {
    for (let past = 0; past < ms; past += 1000) {
      this.kit.clock.advance(1000)
      each?.()
    }
  }

  get reasons(): (string | undefined)[] {
    return this.kit.finished.map(({ failure }) => failure?.reason)
  }

  /** Requests that an endpoint has now. */
  get served(): string[] {
    return this.kit.transport.connections.flatMap(({ busy, request }) => (busy ? [request?.method as string] : []))
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('an exchange that only its client holds up', () => {
  test('is left alone as long as nobody needs what it holds', () => {
    const rig = new Rig({ connections: { max: 2, maxWaiting: 10 } })
    rig.upload()
    rig.pass(60_000)
    rig.get()
    expect(rig.reasons).toEqual([])
    expect(rig.served).toEqual(['POST', 'GET'])
  })

  test('is ended for a request that waits for its connection: 408, and the breaker learns nothing', async () => {
    const rig = new Rig()
    const { client } = rig.upload()
    rig.pass(STALLED_MS)
    rig.get()
    expect(rig.served).toEqual(['GET'])
    expect([client.status, client.closes, client.answer.toString()]).toEqual([
      408,
      true,
      expect.stringContaining('"reason":"stalled_client"'),
    ])
    await settled()
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'stalled_client', phase: 'send', origin: 'client' })
    expect(rig.kit.attempts[0]?.head).toMatchObject({ ignored: true })
  })

  test('is found once it has stalled for long enough, when the request waits already', async () => {
    const rig = new Rig()
    rig.upload()
    rig.get()
    rig.pass(5_000)
    expect(rig.served).toEqual(['POST'])
    rig.pass(1_000)
    expect(rig.served).toEqual(['GET'])
    await settled()
    expect(rig.reasons).toEqual(['stalled_client'])
  })

  test('breaks the answer that a client does not read', () => {
    const rig = new Rig()
    const { client } = rig.reader()
    rig.pass(STALLED_MS)
    rig.get()
    expect(client.state).toBe('broken')
    expect(rig.served).toEqual(['GET'])
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'stalled_client', phase: 'body', origin: 'client' })
    expect(rig.kit.attempts[0]?.head).toMatchObject({ outcome: 'ok' })
  })

  test('is ended one for each request that waits, those first that moved least', async () => {
    const rig = new Rig({ connections: { max: 3, maxWaiting: 10 } })
    const [slow, still, slower] = [rig.upload(), rig.upload(), rig.upload()]
    rig.pass(STALLED_MS, () => {
      slow.client.feed(Buffer.alloc(700))
      slower.client.feed(Buffer.alloc(100))
    })
    rig.get()
    expect([slow.client.status, still.client.status, slower.client.status]).toEqual([0, 408, 0])
    rig.get()
    expect([slow.client.status, still.client.status, slower.client.status]).toEqual([0, 408, 408])
    expect(rig.served.toSorted()).toEqual(['GET', 'GET', 'POST'])
    rig.get()
    expect(slow.client.status).toBe(408)
    rig.get()
    expect(rig.served).toEqual(['GET', 'GET', 'GET'])
  })

  test('that were all still: the longest first', () => {
    const rig = new Rig({ connections: { max: 2, maxWaiting: 10 } })
    const [later, sooner] = [rig.upload(), rig.upload()]
    rig.pass(2_000, () => later.client.feed(Buffer.alloc(10)))
    rig.pass(7_000)
    rig.get()
    expect([later.client.status, sooner.client.status]).toEqual([0, 408])
  })
})

describe('never ended is', () => {
  /** A request waits all the time, and the one that has the connection is still there after a minute. */
  function keepsIt(rig: Rig, each?: () => void): void {
    rig.get()
    rig.pass(60_000, each)
    expect(rig.reasons).toEqual([])
    expect(rig.served).toHaveLength(1)
  }

  test('who sends at the minimum rate', () => {
    const rig = new Rig()
    const { client } = rig.upload()
    keepsIt(rig, () => client.feed(Buffer.alloc(1025)))
  })

  test('who reads at the minimum rate', () => {
    const rig = new Rig()
    const { client, connection } = rig.reader()
    keepsIt(rig, () => {
      client.unblock()
      client.block()
      connection.events.onData(Buffer.alloc(1025))
    })
  })

  test('whose body the upstream does not take', () => {
    const rig = new Rig()
    const { client, connection } = rig.upload()
    connection.room = false
    client.feed(Buffer.from('a'))
    keepsIt(rig)
  })

  test('whose body the upstream took only a moment ago', () => {
    const rig = new Rig()
    const { client, connection } = rig.upload()
    connection.room = false
    client.feed(Buffer.from('a'))
    rig.get()
    rig.pass(60_000)
    connection.room = true
    connection.events.onDrain()
    rig.pass(5_000)
    expect(rig.served).toEqual(['POST'])
    rig.pass(1_000)
    expect(rig.served).toEqual(['GET'])
  })

  test('who waits for the upstream: for the head, or for more of the answer', () => {
    const rig = new Rig()
    rig.get()
    rig.kit.latest.connect()
    keepsIt(rig)
    rig.kit.running.events.onHead(200, [])
    rig.kit.running.events.onData(Buffer.from('a'))
    rig.pass(30_000)
    expect(rig.reasons).toEqual([])
  })

  test('who may be as slow as it likes', () => {
    const rig = new Rig({ timeouts: { minRate: undefined, request: undefined, idle: undefined } })
    rig.upload()
    keepsIt(rig)
  })
})

describe('for want of', () => {
  /** Workers with one route, whose policy they share. */
  function crewWith(options: object, workers: number): { rigs: Rig[]; mails: TestMail[] } {
    const clock = new ManualClock()
    const shared = new TestCells(workers)
    const { cells } = new CompiledUse(bulkhead, options, { clock, testCells: shared })
    const rigs: Rig[] = []
    const mails: TestMail[] = []
    for (const space of shared.spaces) {
      const mail = new TestMail(mails)
      mails.push(mail)
      const relief: Relief = { end: (want) => (rigs[space.worker] as Rig).kit.engine.stalls.end(want) }
      const { policy } = new CompiledUse(bulkhead, options, { clock, mail, relief, space, cells })
      const wakeOthers = (): void => {
        for (const other of shared.spaces) if (other !== space) mail.post(other.worker)
      }
      const rig = new Rig({ clock, policies: [policy], connections: { max: 100 }, wakeOthers })
      mail.listen(() => rig.kit.engine.stalls.onMail())
      rigs.push(rig)
    }
    return { rigs, mails }
  }

  function rigWith(options: object): Rig {
    return crewWith(options, 1).rigs[0] as Rig
  }

  test('a permit of the route: the request is not refused', async () => {
    const rig = rigWith({ maxConcurrent: 2 })
    const [a] = [rig.upload(), rig.upload()]
    rig.get()
    await settled()
    expect(rig.reasons).toEqual(['bulkhead_full'])
    rig.pass(STALLED_MS)
    rig.get()
    expect(a.client.status).toBe(408)
    expect(rig.served.toSorted()).toEqual(['GET', 'POST'])
    rig.get()
    rig.get()
    await settled()
    expect(rig.reasons).toEqual(['bulkhead_full', 'stalled_client', 'stalled_client', 'bulkhead_full'])
  })

  test('a permit of the route that requests wait for in its queue', async () => {
    const rig = rigWith({ maxConcurrent: 1, queue: { size: 1, maxWait: '10s', newestFirstAfter: 'off' } })
    rig.upload()
    rig.get()
    expect(rig.served).toEqual(['POST'])
    rig.pass(STALLED_MS)
    await settled()
    expect(rig.reasons).toEqual(['stalled_client'])
    expect(rig.served).toEqual(['GET'])
  })

  test('a permit of the upstream', async () => {
    const rig = new Rig({ maxAttempts: 1, connections: { max: 100 } })
    rig.upload()
    rig.get()
    await settled()
    expect(rig.reasons).toEqual(['bulkhead_full'])
    rig.pass(STALLED_MS)
    rig.get()
    expect(rig.served).toEqual(['GET'])
  })

  test('a place at an endpoint that has its maximum', async () => {
    const rig = new Rig({ maxConcurrent: 1, connections: { max: 100 } })
    rig.upload()
    rig.get()
    await settled()
    expect(rig.reasons).toEqual(['pool_full'])
    rig.pass(STALLED_MS)
    rig.get()
    expect(rig.served).toEqual(['GET'])
  })

  describe('what another worker holds', () => {
    const deliver = (mails: readonly TestMail[], rigs: readonly Rig[]): void => {
      for (const mail of mails) mail.deliver()
      rigs[0]?.kit.clock.advance(10)
    }

    test('the next request has it; of that other worker one exchange is ended for each request that was refused', async () => {
      const { rigs, mails } = crewWith({ maxConcurrent: 2 }, 2)
      const [here, there] = rigs as [Rig, Rig]
      there.upload()
      there.upload()
      there.pass(STALLED_MS)
      here.get()
      await settled()
      expect(here.reasons).toEqual(['bulkhead_full'])
      deliver(mails, rigs)
      deliver(mails, rigs)
      await settled()
      expect(there.reasons).toEqual(['stalled_client'])
      here.get()
      expect(here.served).toEqual(['GET'])
    })

    test('a request in the queue gets it at once', async () => {
      const queue = { size: 1, maxWait: '5s', newestFirstAfter: 'off' }
      const { rigs, mails } = crewWith({ maxConcurrent: 1, queue }, 2)
      const [here, there] = rigs as [Rig, Rig]
      there.upload()
      there.pass(STALLED_MS)
      here.get()
      expect(here.served).toEqual([])
      deliver(mails, rigs)
      deliver(mails, rigs)
      await settled()
      expect(here.served).toEqual(['GET'])
      expect(there.reasons).toEqual(['stalled_client'])
    })

    test('nobody is ended for a request that was refused long ago', async () => {
      const { rigs, mails } = crewWith({ maxConcurrent: 1 }, 2)
      const [here, there] = rigs as [Rig, Rig]
      there.upload()
      here.get()
      deliver(mails, rigs)
      there.pass(20_000)
      await settled()
      expect(there.reasons).toEqual([])
    })
  })

  test('something else, nothing is ended', async () => {
    const rig = rigWith({ maxConcurrent: 1 })
    // An event stream has given its permit back: ending it would help nobody.
    const { client } = rig.reader(['content-type', 'text/event-stream'])
    rig.get()
    rig.pass(STALLED_MS)
    rig.get()
    await settled()
    expect(client.state).toBe('open')
    expect(rig.reasons).toEqual(['bulkhead_full'])
  })
})
