import { MessageChannel, Worker } from 'node:worker_threads'
import { Feeds } from '../../../src/control/workers/feeds.ts'
import { Links } from '../../../src/control/workers/links.ts'
import type { Answers } from '../../../src/core/link.ts'
import type { FromWorker, ToWorker } from '../../../src/core/protocol.ts'
import { WorkerLink } from '../../../src/data/link/worker-link.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import { ManualClock } from '../../kit/clock.ts'
import { memoryPorts, type Port } from '../../kit/link-ports.ts'
import { memoryLog } from '../../kit/log.ts'
import { until } from '../../kit/until.ts'
import { type Seen, toyWorker } from './toy-worker.ts'

/** How a worker is reached. */
interface Way {
  post(message: ToWorker): void
  /** It ends without a word. */
  kill(): Promise<void>
}

type Open = (clock: Clock, receive: (message: FromWorker) => void) => Way

/** A worker as the control plane of the suite has it. */
export class PlaneWorker {
  /** Messages with values of feeds that it was sent. */
  batches = 0
  readonly seen: Seen[] = []
  private readonly way: Way
  private held: ToWorker[] | undefined = undefined

  constructor(open: Open, clock: Clock, receive: (message: FromWorker) => void) {
    this.way = open(clock, receive)
  }

  post(message: ToWorker): void {
    if (message.type === 'feeds') this.batches++
    if (this.held !== undefined) this.held.push(message)
    else this.way.post(message)
  }

  /** It is slow: what it is sent from now on comes when it is released. */
  hold(): void {
    this.held ??= []
  }

  release(): void {
    const { held = [] } = this
    this.held = undefined
    for (const message of held) this.way.post(message)
  }

  kill(): Promise<void> {
    return this.way.kill()
  }
}

/** Both planes: feeds, answers and commands of a feature `f`. */
export class Planes {
  readonly feeds: Feeds
  readonly links: Links
  readonly log = memoryLog()
  readonly workers: PlaneWorker[] = []
  /** What the feature answers besides `saw`. */
  answers: Answers = {}
  private readonly clock: Clock
  private readonly open: Open

  constructor(open: Open, clock: Clock) {
    this.open = open
    this.clock = clock
    this.feeds = new Feeds({ clock, log: this.log })
    this.links = new Links({ find: (_, name) => this.answers[name], clock, log: this.log })
  }

  /** A worker of this number speaks. */
  start(number: number): PlaneWorker {
    const worker = new PlaneWorker(this.open, this.clock, (message) => {
      if (this.workers[number] !== worker) return
      if (message.type === 'ask' && message.name === 'saw') worker.seen.push(message.value as Seen)
      this.feeds.receive(number, message) || this.links.receive(number, message)
    })
    this.workers[number] = worker
    this.feeds.begin(number, worker)
    this.links.begin(number, worker)
    return worker
  }

  async kill(number: number): Promise<void> {
    await this.workers[number]?.kill()
    delete this.workers[number]
    this.feeds.end(number)
    this.links.end(number)
  }

  /** Waits for something, while time passes. */
  async sees(condition: () => boolean, what: string): Promise<void> {
    await until(async () => {
      await this.pass(5)
      return condition()
    }, what)
  }

  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.clock instanceof ManualClock ? 0 : ms))
    if (!(this.clock instanceof ManualClock)) return
    this.clock.advance(ms)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }

  async close(): Promise<void> {
    this.links.close()
    await Promise.all(this.workers.map((worker) => worker.kill()))
    if (this.clock instanceof ManualClock && this.clock.timers > 0)
      throw new Error(`${this.clock.timers} timers are left`)
  }
}

function threads(_: Clock, receive: (message: FromWorker) => void): Way {
  const thread = new Worker(new URL('./worker-thread.ts', import.meta.url))
  thread.on('message', receive)
  return { post: (message) => thread.postMessage(message), kill: async () => void (await thread.terminate()) }
}

function over(pair: () => readonly [Port, Port]): Open {
  return (clock, receive) => {
    const [ours, theirs] = pair()
    const timers = new TimerWheel(clock)
    const link = new WorkerLink({ post: (message) => theirs.postMessage(message), clock, timers, fault: () => {} })
    toyWorker(link)
    theirs.on('message', (message) => link.receive(message as ToWorker))
    ours.on('message', (message) => receive(message as FromWorker))
    const kill = async (): Promise<void> => {
      link.close()
      timers.close()
      theirs.close()
    }
    return { post: (message) => ours.postMessage(message), kill }
  }
}

function channel(): readonly [Port, Port] {
  const { port1, port2 } = new MessageChannel()
  return [port1, port2]
}

export const PLANES: readonly (readonly [name: string, make: () => Planes])[] = [
  ['worker threads', () => new Planes(threads, systemClock)],
  ['channels in one thread', () => new Planes(over(channel), systemClock)],
  ['memory, in virtual time', () => new Planes(over(memoryPorts), new ManualClock())],
]
