import type { Answers } from '../../src/core/link.ts'
import type { FromWorker, ToWorker } from '../../src/core/protocol.ts'
import { WorkerLink } from '../../src/data/link/worker-link.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { LinkPeer } from '../../src/link/peer.ts'
import { ManualClock } from './clock.ts'

const BOUNDS = { questions: 100, bytes: 1_000_000 }

/** The link of a worker to a control plane that a test plays. */
export class TestLink {
  readonly worker: WorkerLink
  /** What control halves answer, of all features. */
  answers: Answers = {}
  readonly faults: unknown[] = []
  private readonly control: LinkPeer
  private version = 0

  constructor(clock: Clock = new ManualClock()) {
    const timers = new TimerWheel(clock)
    const fault = (error: unknown): void => void this.faults.push(error)
    const later = (act: () => void): void => queueMicrotask(act)
    this.control = new LinkPeer({
      post: (message) => later(() => this.worker.receive(structuredClone(message))),
      find: (_, name) => this.answers[name],
      bounds: BOUNDS,
      clock,
      timers,
      fault,
    })
    this.worker = new WorkerLink({
      post: (message: FromWorker) => later(() => this.control.receive(structuredClone(message))),
      clock,
      timers,
      fault,
    })
  }

  /** A value arrives. */
  publish(feature: string, name: string, value: unknown): void {
    const values = [{ feature, name, version: ++this.version, value }]
    this.worker.receive({ type: 'feeds', values } satisfies ToWorker)
  }

  /** What the worker says to a command. */
  command(feature: string, name: string, value: unknown): Promise<unknown> {
    return this.control.ask(feature, { name, value }, 1000).answer
  }

  /** The control plane is gone. */
  end(): void {
    this.worker.close()
  }
}
