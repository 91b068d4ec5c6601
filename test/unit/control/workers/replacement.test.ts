import { isDeepStrictEqual } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import type { WorkerFacts } from '../../../../src/control/contract.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import type { Rollout } from '../../../../src/control/workers/rollout.ts'
import { RunningWorker, type WorkerOptions } from '../../../../src/control/workers/running-worker.ts'
import { Supervisor } from '../../../../src/control/workers/supervisor.ts'
import type { LeanConfig, ListenerConfig } from '../../../../src/core/config.ts'
import type { FromWorker, ToWorker } from '../../../../src/core/protocol.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'
import { supervisorOptions } from '../../../kit/supervisor.ts'
import { settle } from '../../../kit/until.ts'

const STEP_MS = 100
const rigs: Rig[] = []

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.supervisor.stop()
})

/** Says yes to all, in the thread of the test. */
class Thread extends RunningWorker {
  readonly inspected = undefined
  readonly worker: number
  readonly beat: () => void
  living = true
  private readonly reads: readonly string[]
  private readonly rig: Rig

  constructor(options: WorkerOptions, rig: Rig) {
    super(options)
    const { reads, start } = options
    this.worker = start.worker
    this.reads = reads
    this.rig = rig
    this.beat = () => rig.registry.write(start.heartbeat, Math.trunc(rig.clock.now()))
    this.say({ type: 'ready' })
  }

  post(message: ToWorker): void {
    const answer = answerTo(message)
    if (answer !== undefined) this.say(answer)
  }

  mayRead(paths: readonly string[]): boolean {
    return isDeepStrictEqual(paths, this.reads)
  }

  measureUtilization(): number {
    return 0
  }

  async terminate(): Promise<void> {
    this.exit()
  }

  exit(): void {
    if (!this.living) return
    this.living = false
    this.ended(undefined)
  }

  private say(message: FromWorker): void {
    queueMicrotask(() => {
      if (!this.living) return
      if (this.rig.endsBefore(this, message)) this.exit()
      else this.said(message)
      if (this.rig.endsAfter(this, message)) this.exit()
    })
  }
}

function answerTo(message: ToWorker): FromWorker | undefined {
  switch (message.type) {
    case 'prepare':
      return { type: 'ack', generation: message.head.generation }
    case 'chunk': {
      const { generation, last } = message
      return last ? { type: 'prepared', generation, without: [] } : { type: 'ack', generation }
    }
    case 'commit':
      return { type: 'committed', generation: message.generation }
    case 'listen':
      return { type: 'listening', id: message.id, port: 1 }
    case 'unlisten':
      return { type: 'idle' }
    default:
      return undefined
  }
}

/** Two workers serve; there is one number more. */
class Rig {
  readonly clock = new ManualClock()
  readonly registry = new CellRegistry(3)
  readonly threads: Thread[] = []
  readonly supervisor: Supervisor
  endsBefore: (thread: Thread, message: FromWorker) => boolean = () => false
  endsAfter: (thread: Thread, message: FromWorker) => boolean = () => false

  constructor() {
    const { clock, registry } = this
    this.supervisor = new Supervisor({
      startWorker: (options) => {
        const thread = new Thread(options, this)
        this.threads.push(thread)
        return thread
      },
      ...supervisorOptions({ clock, log: memoryLog(), registry, workers: 2 }),
    })
    rigs.push(this)
  }

  async up(): Promise<this> {
    await this.supervisor.start()
    await this.supervisor.apply(this.rollout(1, []))
    await this.supervisor.listen({ name: 'web', host: '127.0.0.1', port: 0 } as ListenerConfig)
    return this
  }

  rollout(generation: number, reads: readonly string[]): Rollout {
    const lean = { gateway: { name: 'test' }, listeners: [], upstreams: [], routes: [] }
    return {
      generation,
      hash: `h${generation}`,
      plugins: [],
      reads,
      lean: lean as unknown as LeanConfig,
      cells: {},
      routes: [],
      cutAfter: 1_000,
      endpoints: new Map(),
    }
  }

  /** Workers of another config: it has other files to read. */
  async replaced(generation: number): Promise<void> {
    let over = false
    const applied = this.supervisor.apply(this.rollout(generation, [`/srv/${generation}`])).finally(() => {
      over = true
    })
    for (let i = 0; i < 100 && !over; i++) await this.pass(STEP_MS)
    await applied
  }

  /** Time passes, in which those that live beat. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      for (const thread of this.threads) if (thread.living) thread.beat()
      this.clock.advance(STEP_MS)
      await settle()
    }
  }

  /** Numbers of threads that live. */
  get living(): number[] {
    return this.threads.flatMap(({ living, worker }) => (living ? [worker] : [])).sort()
  }

  /** One has ended so often that it waits for seconds to be started again. */
  async waiting(): Promise<void> {
    const [{ worker }] = this.serving() as [WorkerFacts]
    const waits = (): boolean => !this.serving().some((facts) => facts.worker === worker)
    for (let round = 0; round < 10; round++) {
      this.threads.findLast((thread) => thread.worker === worker)?.exit()
      for (let passed = 0; passed < 4_000 && waits(); passed += STEP_MS) await this.pass(STEP_MS)
      if (waits()) return
    }
    throw new Error('it does not wait')
  }

  serving(): readonly WorkerFacts[] {
    return this.supervisor.crew.facts().filter(({ state }) => state === 'serving')
  }

  /** Two serve the generation, and each number has one thread at most. */
  expectTwo(generation: number): void {
    const serving = this.serving()
    expect(serving.map((facts) => facts.generation)).toEqual([generation, generation])
    expect(this.living).toEqual(serving.map(({ worker }) => worker))
  }
}

test('a worker that waits to be started again, and is replaced meanwhile, is not started any more', async () => {
  const rig = await new Rig().up()
  await rig.waiting()
  await rig.replaced(2)
  rig.expectTwo(2)
  const started = rig.threads.length
  await rig.pass(30_000)
  expect(rig.threads.length).toBe(started)
  rig.expectTwo(2)
})

test('no number is lost by that for the replacements that follow', async () => {
  const rig = await new Rig().up()
  for (let generation = 2; generation < 8; generation++) {
    if (generation % 2 === 0) await rig.waiting()
    await rig.replaced(generation)
    await rig.pass(10_000)
    rig.expectTwo(generation)
  }
})

test('a successor that ends as it is about to serve is started again', async () => {
  const rig = await new Rig().up()
  let ended = 0
  rig.endsAfter = ({ worker }, message) => worker === 2 && message.type === 'committed' && ended++ === 0
  await rig.replaced(2)
  await rig.pass(1_000)
  expect(ended).toBeGreaterThan(0)
  rig.expectTwo(2)
  await rig.replaced(3)
  rig.expectTwo(3)
})

test('a worker that waits and gets no successor is started once', async () => {
  const rig = await new Rig().up()
  // The first takes the place of worker 0, the second is to take that of worker 1, which waits.
  let started = 0
  rig.endsBefore = (_, message) => message.type === 'ready' && ++started === 2
  const second = rig.threads.findLast(({ worker }) => worker === 1) as Thread
  second.exit()
  await rig.replaced(2)
  expect(started).toBeGreaterThan(1)
  const threads = rig.threads.length
  await rig.pass(30_000)
  expect(rig.threads.length).toBe(threads)
  rig.expectTwo(2)
})

test('a worker that waits is not started any more when the gateway ends', async () => {
  const rig = await new Rig().up()
  await rig.waiting()
  const started = rig.threads.length
  await rig.supervisor.stop()
  await rig.pass(30_000)
  expect(rig.threads.length).toBe(started)
})
