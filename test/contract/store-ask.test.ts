import { expect, test } from 'vitest'
import { Links } from '../../src/control/workers/links.ts'
import { WORKER_BOUNDS } from '../../src/core/link.ts'
import type { FromWorker, ToWorker } from '../../src/core/protocol.ts'
import { WorkerLink } from '../../src/data/link/worker-link.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { featureUser } from '../../src/stores/calls/remote.ts'
import { Stores } from '../../src/stores/stores.ts'
import { ManualClock } from '../kit/clock.ts'
import { CountedMetrics } from '../kit/feature.ts'
import { memoryLog } from '../kit/log.ts'
import type { OpenStore } from './store/harness.ts'
import { describeStore } from './store.ts'

/** Workers, their control plane, and between them what a port does: copies, in order, not at once. */
class Planes {
  readonly clock: ManualClock = new ManualClock()
  readonly stores: Stores
  readonly links: Links

  private constructor(stores: Stores, clock: ManualClock) {
    this.clock = clock
    this.stores = stores
    this.links = new Links({ find: (_, name) => stores.answerTo(name), clock, log: memoryLog() })
    stores.follow(this.links)
  }

  static async make(): Promise<Planes> {
    const clock = new ManualClock()
    const metrics = new CountedMetrics()
    return new Planes(await Stores.open({ folder: undefined, metrics, clock, log: memoryLog() }), clock)
  }

  worker(number: number): WorkerLink {
    const { clock, links } = this
    const later = (act: () => void): void => queueMicrotask(act)
    const worker: WorkerLink = new WorkerLink({
      post: (message: FromWorker) => later(() => links.receive(number, structuredClone(message))),
      clock,
      timers: new TimerWheel(clock),
      fault: () => {},
    })
    links.begin(number, { post: (message: ToWorker) => later(() => worker.receive(structuredClone(message))) })
    return worker
  }
}

async function open(): Promise<OpenStore> {
  const planes = await Planes.make()
  // Each user in the next of three workers, as they come.
  const workers = [0, 1, 2].map((number) => planes.worker(number))
  let users = 0
  return {
    of: (user) => (workers[users++ % workers.length] as WorkerLink).stores.of('memory', user),
    advance: (ms) => planes.clock.advance(ms),
    mostKey: 512 - `${featureUser('')}/`.length,
    mostValue: WORKER_BOUNDS.bytes - 1024,
    async close() {
      planes.links.close()
      await planes.stores.close()
    },
  }
}

describeStore('memory, through ask', open)

test('a value that the link does not carry is too large for a worker, whichever way it goes', async () => {
  const planes = await Planes.make()
  const worker = planes.worker(0)
  const large = new Uint8Array(WORKER_BOUNDS.bytes + 1)
  expect(await worker.stores.of('memory', 'one').put('a', large)).toEqual({ unavailable: 'too_large' })
  expect(await planes.stores.of('memory', featureUser('one')).put('a', large)).toHaveProperty('version')
  expect(await worker.stores.of('memory', 'one').get('a')).toEqual({ unavailable: 'too_large' })
})

test('a feature has the same entries in both planes, and hears the hints of the other one', async () => {
  const planes = await Planes.make()
  const [worker, control] = [planes.worker(0).stores.of('state', 'one'), planes.stores.of('state', featureUser('one'))]
  await control.put('a', new Uint8Array([7]))
  expect(await worker.get('a')).toMatchObject({ value: new Uint8Array([7]) })
  const heard: string[] = []
  worker.subscribe('t', (hint) => heard.push(`worker ${hint}`))
  control.subscribe('t', (hint) => heard.push(`control ${hint}`))
  await control.publish('t', 'a')
  await worker.publish('t', 'b')
  await worker.get('a')
  expect(heard.toSorted()).toEqual(['control a', 'control b', 'worker a', 'worker b'])
})

test('a worker whose control plane is gone has no store', async () => {
  const planes = await Planes.make()
  const worker = planes.worker(0)
  const waiting = worker.stores.of('memory', 'one').get('a')
  worker.close()
  expect(await waiting).toEqual({ unavailable: 'gone' })
  expect(await worker.stores.of('memory', 'one').get('a')).toEqual({ unavailable: 'gone' })
})
