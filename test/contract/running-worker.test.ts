import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createRing } from '../../src/cells/ring.ts'
import { workerEntry } from '../../src/control/entry.ts'
import { CellRegistry } from '../../src/control/registry/registry.ts'
import { InlineWorkers } from '../../src/control/workers/inline.ts'
import {
  type RunningWorker,
  type StartWorker,
  WorkerGone,
  WorkerSilent,
} from '../../src/control/workers/running-worker.ts'
import { inThreads } from '../../src/control/workers/thread.ts'
import type { FromWorker, ToWorker } from '../../src/core/protocol.ts'
import { FEATURES } from '../../src/features/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { listenerConfig } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

/** Generous: the machine may be busy. */
const LONG_MS = 20_000

const LISTENER = listenerConfig({})

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

class Rig {
  readonly registry = new CellRegistry(1)
  readonly messages: FromWorker[] = []
  readonly exits: (Error | undefined)[] = []
  readonly worker: RunningWorker
  /** Within a call to the worker. */
  private calling = true
  readonly within: string[] = []

  constructor(startWorker: StartWorker) {
    const cells = this.registry.lease()
    const start = {
      plugins: [],
      sharing: 1,
      worker: 0,
      workers: 1,
      floats: [this.registry.metricPage(0, 0)],
      heartbeat: cells.heartbeat(0),
      pressure: cells.pressure(0),
      mailboxes: [cells.mailbox(0)],
      ring: createRing(),
      earlyCollection: false,
      testHooks: true,
    }
    this.worker = startWorker({
      start: { ...start, pages: this.registry.pages.slice() },
      limits: {},
      reads: [],
      state: undefined,
      clock: systemClock,
      onMessage: (message) => {
        if (this.calling) this.within.push(message.type)
        this.messages.push(message)
      },
      onExit: (error) => {
        if (this.calling) this.within.push('exit')
        this.exits.push(error)
      },
    })
    this.calling = false
    stops.push(() => this.worker.terminate())
  }

  async ready(): Promise<this> {
    await until(() => this.messages.some(({ type }) => type === 'ready'), 'ready')
    return this
  }

  post(message: ToWorker): void {
    this.calling = true
    this.worker.post(message)
    this.calling = false
  }

  /** Opens a listener; its port. */
  listen(id: string): Promise<number> {
    const connections = this.registry.lease().listener('web')
    this.worker.post({ type: 'pages', pages: this.registry.pages.slice() })
    return this.worker.ask(
      { type: 'listen', id, listener: LISTENER, reusePort: false, connections },
      LONG_MS,
      (message) => (message.type === 'listening' && message.id === id ? message.port : undefined),
    )
  }
}

describe.each<[string, () => StartWorker]>([
  ['in a thread', () => inThreads(workerEntry())],
  ['in this thread', () => new InlineWorkers({ features: async () => FEATURES, random: systemRandom() }).start],
])('a worker %s', (_, start) => {
  test('says that it is ready, and nothing within a call', async () => {
    const rig = await new Rig(start()).ready()
    rig.post({ type: 'commit', generation: 7, cutAfter: 0 })
    await until(() => rig.messages.some(({ type }) => type === 'refused'))
    expect(rig.within).toEqual([])
  })

  test('takes messages in their order', async () => {
    const rig = await new Rig(start()).ready()
    for (const generation of [1, 2, 3, 4, 5]) rig.post({ type: 'commit', generation, cutAfter: 0 })
    await until(() => rig.messages.filter(({ type }) => type === 'refused').length === 5)
    const generations = rig.messages.flatMap((message) => (message.type === 'refused' ? [message.generation] : []))
    expect(generations).toEqual([1, 2, 3, 4, 5])
  })

  test('answers what it is asked; an answer that throws, or does not come, rejects', async () => {
    const { worker } = await new Rig(start()).ready()
    const question = { type: 'commit', generation: 7, cutAfter: 0 } as const
    const asked = worker.ask(question, LONG_MS, (message) => (message.type === 'refused' ? message.message : undefined))
    expect(await asked).toBe('not being prepared')
    await expect(
      worker.ask(question, LONG_MS, ({ type }) => {
        if (type === 'refused') throw new Error('it refuses')
      }),
    ).rejects.toThrow('it refuses')
    await expect(worker.ask(question, 50, ({ type }) => (type === 'idle' ? true : undefined))).rejects.toThrow(
      WorkerSilent,
    )
  })

  test('that is ended tells it once, and what was awaited of it fails at once', async () => {
    const rig = await new Rig(start()).ready()
    const asked = rig.worker.when(LONG_MS, ({ type }) => (type === 'idle' ? true : undefined)).catch((error) => error)
    await Promise.all([rig.worker.terminate(), rig.worker.terminate()])
    expect(await asked).toBeInstanceOf(WorkerGone)
    rig.worker.post({ type: 'drain' })
    await rig.worker.terminate()
    expect(rig.exits).toEqual([undefined])
  })

  test('that is ended closes its listeners and their connections', async () => {
    const rig = await new Rig(start()).ready()
    const port = await rig.listen('one')
    const socket = await connected(port)
    const closed = new Promise((resolve) => socket.on('close', resolve))
    await rig.worker.terminate()
    await closed
    await expect(connected(port)).rejects.toThrow('ECONNREFUSED')
  })

  test('that is ended while a listener opens leaves none open', async () => {
    const rig = await new Rig(start()).ready()
    const opening = rig.listen('one').catch(() => 0)
    await rig.worker.terminate()
    const port = await opening
    if (port !== 0) await expect(connected(port)).rejects.toThrow('ECONNREFUSED')
    expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap')
  })

  test('that throws ends with an error, and says why', async () => {
    const rig = await new Rig(start()).ready()
    rig.post({ type: 'hook', hook: 'throw', ms: 0 })
    await until(() => rig.exits.length === 1)
    expect(rig.exits[0]).toBeInstanceOf(Error)
    const said = rig.messages.find(({ type }) => type === 'log')
    expect(said).toMatchObject({ level: 'error', fields: { error: 'thrown by a test', worker: 0 } })
  })

  test('that exits tells it without an error', async () => {
    const rig = await new Rig(start()).ready()
    rig.post({ type: 'hook', hook: 'exit', ms: 0 })
    await until(() => rig.exits.length === 1)
    expect(rig.exits).toEqual([undefined])
  })

  test('measures how busy it was', async () => {
    const { worker } = await new Rig(start()).ready()
    worker.measureUtilization()
    // Within a moment it may be anything: what a loop that waits has waited is not known before it turns.
    await settle(200)
    expect(Number.isFinite(worker.measureUtilization())).toBe(true)
  })
})

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject)
  })
}
