import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { CellRegistry } from '../../../src/control/registry/registry.ts'
import type { Rollout } from '../../../src/control/workers/rollout.ts'
import { Supervisor } from '../../../src/control/workers/supervisor.ts'
import { inThreads } from '../../../src/control/workers/thread.ts'
import type { LeanConfig, ListenerConfig } from '../../../src/core/config.ts'
import type { EndpointCells, UpstreamEndpoints } from '../../../src/core/protocol.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { ManualClock } from '../../kit/clock.ts'
import { memoryLog } from '../../kit/log.ts'
import { supervisorOptions } from '../../kit/supervisor.ts'
import { until } from '../../kit/until.ts'

interface Answer {
  readonly worker: number
  readonly generation: number
  readonly draining: boolean
  readonly addresses: string[]
}

const listener = { name: 'web', host: '127.0.0.1', port: 0 } as ListenerConfig
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** The entries of workers lie there. */
const READS = [join(import.meta.dirname, '../../kit')]

class Rig {
  readonly registry: CellRegistry
  readonly supervisor: Supervisor
  readonly log = memoryLog()
  readonly folded: number[] = []
  readonly cells: EndpointCells
  port = 0
  lost = 0

  constructor(entry: string, workers = 2, clock: Clock = systemClock) {
    this.registry = new CellRegistry(workers)
    this.cells = this.endpoint('10.0.0.1')
    this.supervisor = new Supervisor({
      startWorker: inThreads(new URL(`../../kit/workers/${entry}.ts`, import.meta.url)),
      ...supervisorOptions({ clock, log: this.log, registry: this.registry, workers }),
      reads: READS,
      metrics: { addPage: () => {}, series: () => {}, fold: (worker) => void this.folded.push(worker) },
      earlyCollection: true,
      onLost: () => void this.lost++,
    })
    stops.push(() => this.supervisor.stop())
  }

  rollout(generation: number, address = '10.0.0.1'): Rollout {
    const lean = { gateway: { name: 'test' }, listeners: [listener], upstreams: [{ name: 'orders' }], routes: [] }
    return {
      generation,
      hash: `h${generation}`,
      plugins: [],
      reads: READS,
      lean: lean as unknown as LeanConfig,
      cells: {},
      routes: [],
      cutAfter: 1000,
      endpoints: new Map([['orders', this.set(address)]]),
    }
  }

  set(address: string): UpstreamEndpoints {
    const shape = {
      scheme: 'http',
      port: 80,
      host: address,
      weight: 1,
      tier: 0,
      zone: undefined,
      maxConcurrent: undefined,
    } as const
    const endpoint = { id: `http://${address}:80`, address, ...shape, cells: this.endpoint(address) }
    return {
      upstream: 'orders',
      cells: this.registry.lease().upstream('orders'),
      endpoints: [endpoint],
    }
  }

  async up(): Promise<this> {
    await this.supervisor.start()
    await this.supervisor.apply(this.rollout(1))
    this.port = await this.supervisor.listen(listener)
    return this
  }

  async ask(): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}/`)
    return (await response.json()) as Answer
  }

  /** Asks until every worker has answered; connections spread by hash. */
  async askAll(): Promise<Answer[]> {
    const answers = new Map<number, Answer>()
    await until(async () => {
      const answer = await this.ask()
      answers.set(answer.worker, answer)
      return answers.size === this.registry.workers
    })
    return [...answers.values()].sort((a, b) => a.worker - b.worker)
  }

  async allServing(): Promise<void> {
    const states = (): string[] => this.supervisor.crew.facts().map((facts) => facts.state)
    await until(
      () => states().every((state) => state === 'serving'),
      () => states().join(),
    )
  }

  get restarts(): number[] {
    return this.supervisor.crew.facts().map((facts) => facts.restarts)
  }

  private endpoint(address: string): EndpointCells {
    return this.registry.lease().endpoint({ upstream: 'orders', scheme: 'http', address, port: 80, sni: '' })
  }
}

describe('config and listeners', () => {
  test('all workers serve the same port and generation; port 0 becomes one number', async () => {
    const rig = await new Rig('good', 3).up()
    expect(rig.port).toBeGreaterThan(0)
    const answers = await rig.askAll()
    expect(answers).toEqual(
      [0, 1, 2].map((worker) => ({ worker, generation: 1, draining: false, addresses: ['10.0.0.1'] })),
    )
  })

  test('one refusal aborts everywhere and changes nothing', async () => {
    const rig = await new Rig('refusing').up()
    await expect(rig.supervisor.apply(rig.rollout(2, '10.0.0.2'))).rejects.toThrow('even generations are not for me')
    expect((await rig.askAll()).map((answer) => answer.generation)).toEqual([1, 1])
    await rig.supervisor.apply(rig.rollout(3, '10.0.0.3'))
    const answers = await rig.askAll()
    expect(answers.map((answer) => [answer.generation, ...answer.addresses])).toEqual([
      [3, '10.0.0.3'],
      [3, '10.0.0.3'],
    ])
  })

  test('a worker that does not prepare within 5 s aborts the swap', async () => {
    const rig = await new Rig('silent').up()
    await expect(rig.supervisor.apply(rig.rollout(2))).rejects.toThrow(/no answer within/)
    expect(rig.supervisor.crew.facts().map((facts) => facts.generation)).toEqual([1, 1])
    await rig.supervisor.stop()
  })

  test('a worker that dies during the swap does not stop it, and its successor gets the committed config', async () => {
    const rig = await new Rig('dying').up()
    await rig.supervisor.apply(rig.rollout(2))
    await rig.allServing()
    expect(rig.restarts).toEqual([0, 1])
    expect((await rig.askAll()).map((answer) => answer.generation)).toEqual([2, 2])
  })

  test('only one swap at a time', async () => {
    const rig = await new Rig('good').up()
    const first = rig.supervisor.apply(rig.rollout(2))
    await expect(rig.supervisor.apply(rig.rollout(3))).rejects.toThrow('another config')
    await first
  })

  test('new addresses reach every worker, and successors too', async () => {
    const rig = await new Rig('good').up()
    rig.supervisor.updateEndpoints([rig.set('10.0.0.9')])
    await until(async () => (await rig.askAll()).every((answer) => answer.addresses[0] === '10.0.0.9'))
    rig.supervisor.hook(0, 'exit')
    await until(() => rig.restarts[0] === 1)
    await rig.allServing()
    expect((await rig.askAll()).map((answer) => answer.addresses)).toEqual([['10.0.0.9'], ['10.0.0.9']])
  })

  test('a port that was taken in between is an error with address and key', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    stops.push(async () => void taken.close())
    const rig = new Rig('good')
    await rig.supervisor.start()
    await rig.supervisor.apply(rig.rollout(1))
    const { port } = taken.address() as { port: number }
    await expect(rig.supervisor.listen({ ...listener, port })).rejects.toThrow(
      `listeners.web.listen: cannot listen on 127.0.0.1:${port}: port ${port} is in use; change listeners.web.listen`,
    )
  })

  test('an entry that throws at once fails the start with its error', async () => {
    await expect(new Rig('throwing').supervisor.start()).rejects.toThrow('broken entry')
  })
})

test('a worker that takes long to start is not hung, until it has taken half a minute', async () => {
  const clock = new ManualClock()
  const rig = new Rig('never', 1, clock)
  const started = rig.supervisor.start()
  const pass = (seconds: number): void => {
    for (let i = 0; i < 4 * seconds; i++) clock.advance(250)
  }
  pass(29)
  expect(rig.supervisor.crew.facts()).toMatchObject([{ state: 'starting', restarts: 0 }])
  pass(2)
  await expect(started).rejects.toThrow(/no answer within 30000 ms/)
})

describe('replacement', () => {
  test.each(['exit', 'throw'] as const)(
    '%s: what it held is given back, traffic goes on, it serves again',
    async (hook) => {
      const rig = await new Rig('good').up()
      const holders = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const socket = connect(rig.port, '127.0.0.1')
          socket.on('error', () => {})
          stops.push(async () => void socket.destroy())
          await once(socket, 'connect')
          socket.write('GET /hold HTTP/1.1\r\n\r\n')
          return socket
        }),
      )
      await until(() => rig.registry.sum(rig.cells.inFlight) === 40)
      rig.supervisor.hook(0, hook)
      await until(() => rig.folded.includes(0))
      const left = rig.registry.sum(rig.cells.inFlight)
      expect(left).toBeLessThan(40)
      await until(() => holders.filter((socket) => !socket.destroyed && !socket.closed).length === left)
      await rig.allServing()
      await rig.askAll()
      const replaced = [...rig.supervisor.crew.replaced].filter(([, times]) => times > 0)
      expect(replaced).toEqual([[hook === 'exit' ? 'exit' : 'error', 1]])
      for (const socket of holders) socket.destroy()
      await until(() => rig.registry.sum(rig.cells.inFlight) === 0)
    },
  )

  test('blocked loops: stalled after 2 s, replaced after 10 s, seen meanwhile', async () => {
    const rig = await new Rig('good').up()
    for (const worker of [0, 1]) rig.supervisor.hook(worker, 'block', 60_000)
    await until(() => rig.supervisor.crew.facts().every((facts) => facts.state === 'stalled'))
    await until(() => rig.supervisor.crew.silence > 5000)
    await until(() => rig.restarts.every((restarts) => restarts === 1))
    await rig.allServing()
    await until(() => rig.supervisor.crew.silence < 1000)
    await rig.askAll()
    expect(rig.supervisor.crew.replaced.get('hung')).toBe(2)
    expect(rig.log.lines.map((line) => line.message)).toContain('a worker has stalled')
  })

  test('five replacements within a minute that never serve are too many', async () => {
    const rig = await new Rig('fleeting', 1).up()
    rig.supervisor.hook(0, 'exit')
    await until(() => rig.restarts[0] === 5)
    expect(rig.supervisor.crew.replacingFails).toBe(false)
    await until(() => rig.supervisor.crew.replacingFails)
    expect(rig.restarts[0]).toBe(6)
  })
})

describe('leaving', () => {
  test('drain is told to all, successors included; unlisten resolves when the last connection is gone', async () => {
    const rig = await new Rig('good').up()
    rig.supervisor.drain()
    await until(async () => (await rig.askAll()).every((answer) => answer.draining))
    rig.supervisor.hook(1, 'exit')
    await until(() => rig.restarts[1] === 1)
    await rig.allServing()
    await until(async () => (await rig.askAll()).every((answer) => answer.draining))

    const socket = connect(rig.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET /hold HTTP/1.1\r\n\r\n')
    await until(() => rig.registry.sum(rig.cells.inFlight) === 1)
    let idle = false
    const left = rig.supervisor.unlisten(5_000).then(() => {
      idle = true
    })
    await until(
      async () =>
        await fetch(`http://127.0.0.1:${rig.port}`).then(
          () => false,
          () => true,
        ),
    )
    expect(idle).toBe(false)
    rig.supervisor.cut()
    await left
  })

  test('nobody is replaced while leaving, and a worker that ends counts as idle', async () => {
    const rig = await new Rig('good').up()
    const socket = connect(rig.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET /hold HTTP/1.1\r\n\r\n')
    await until(() => rig.registry.sum(rig.cells.inFlight) === 1)
    const left = rig.supervisor.unlisten(5_000)
    for (const worker of [0, 1]) rig.supervisor.hook(worker, 'exit')
    await left
    expect(rig.restarts).toEqual([0, 0])
  })
})
