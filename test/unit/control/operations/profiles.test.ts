import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { Profiles } from '../../../../src/control/operations/profiles.ts'
import { type Inspected, RunningWorker } from '../../../../src/control/workers/running-worker.ts'
import { WorkerSlot } from '../../../../src/control/workers/slot.ts'
import { CommandRefused, NotFound } from '../../../../src/core/command.ts'
import type { WorkerStart } from '../../../../src/core/protocol.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { settle } from '../../../kit/until.ts'

const MIB = 1_048_576
const WAITS = new AbortController().signal

class Thread extends RunningWorker {
  readonly inspected: Inspected | undefined

  constructor(clock: ManualClock, inspected: Partial<Inspected> | undefined) {
    super({
      start: {} as WorkerStart,
      limits: {},
      reads: [],
      state: undefined,
      clock,
      onMessage: () => {},
      onExit: () => {},
    })
    this.inspected = inspected as Inspected | undefined
  }

  post(): void {}
  mayRead(): boolean {
    return true
  }
  measureUtilization(): number {
    return 0
  }
  async terminate(): Promise<void> {
    this.ended(undefined)
  }
}

function rig(inspected: Partial<Inspected> | undefined, room = 4_096 * MIB) {
  const clock = new ManualClock()
  const slot = new WorkerSlot(0, { page: 0, slot: 0 }, { page: 0, slot: 1 })
  slot.begin(new Thread(clock, inspected), clock.now(), 0)
  return { clock, slot, profiles: new Profiles([slot], { room: () => room, clock }) }
}

const heap = (mib: number, snapshot: () => Promise<Readable>): Partial<Inspected> => ({
  getHeapStatistics: (async () => ({ used_heap_size: mib * MIB })) as unknown as Inspected['getHeapStatistics'],
  getHeapSnapshot: snapshot,
})

test('a worker without a thread of its own, or none, is not looked into', async () => {
  const { profiles } = rig(undefined)
  await expect(profiles.take({}, WAITS)).rejects.toThrow('it runs in the thread of its program')
  await expect(profiles.take({ worker: 3 }, WAITS)).rejects.toThrow(NotFound)
})

test('a heap that is too large, or for which there is no memory, is not written', async () => {
  const snapshot = async (): Promise<Readable> => Readable.from(['{}'])
  await expect(rig(heap(65, snapshot)).profiles.take({ kind: 'heap' }, WAITS)).rejects.toThrow('its heap has 65 MiB')
  await expect(rig(heap(20, snapshot), 319 * MIB).profiles.take({ kind: 'heap' }, WAITS)).rejects.toThrow(
    'up to 320 MiB of memory; there are 319 MiB',
  )
  expect(await rig(heap(20, snapshot), 321 * MIB).profiles.take({ kind: 'heap' }, WAITS)).toBeInstanceOf(Readable)
})

test('a worker may stand still while its heap is written, for 25 s; a snapshot that comes later is dropped', async () => {
  const late = Promise.withResolvers<Readable>()
  const { clock, profiles, slot } = rig(heap(20, () => late.promise))
  const taken = profiles.take({ kind: 'heap' }, WAITS).catch((error: unknown) => error)
  await settle()
  expect(slot.sparedUntil).toBe(clock.now() + 25_000)
  clock.advance(25_000)
  expect(await taken).toEqual(new CommandRefused('unavailable', 'the worker does not react'))
  expect(slot.sparedUntil).toBe(clock.now() + 2_000)
  const snapshot = Readable.from(['{}'])
  late.resolve(snapshot)
  await settle()
  expect(snapshot.destroyed).toBe(true)
})

/** A profile that begins when `begun` resolves; `stopped`: how often it was ended. */
function cpu(begun: Promise<void> = Promise.resolve()) {
  const seen = { stopped: 0 }
  const stop = async (): Promise<string> => {
    seen.stopped++
    return '{}'
  }
  const startCpuProfile = (async () => {
    await begun
    return { stop }
  }) as unknown as Inspected['startCpuProfile']
  return { seen, inspected: { startCpuProfile } }
}

test('a CPU profile ends when its client leaves, and another can be taken', async () => {
  const { inspected, seen } = cpu()
  const { clock, profiles } = rig(inspected)
  const client = new AbortController()
  const taken = profiles.take({ seconds: 60 }, client.signal)
  taken.catch(() => {})
  await settle()
  await expect(profiles.take({}, WAITS)).rejects.toThrow('another profile is being taken')
  expect(seen.stopped).toBe(0)
  client.abort()
  await expect(taken).rejects.toThrow('its caller has left')
  expect(seen.stopped).toBe(1)
  await expect(profiles.take({}, client.signal)).rejects.toThrow('its caller has left')
  const next = profiles.take({ seconds: 1 }, WAITS)
  await settle()
  clock.advance(1_000)
  expect(await (await next).toArray()).toEqual(['{}'])
})

test('a client that leaves before its profile has begun has it ended as soon as it has', async () => {
  const go = Promise.withResolvers<void>()
  const { inspected, seen } = cpu(go.promise)
  const { profiles } = rig(inspected)
  const client = new AbortController()
  const taken = profiles.take({ seconds: 60 }, client.signal).catch((error: unknown) => error)
  client.abort()
  await settle()
  go.resolve()
  expect(await taken).toEqual(new CommandRefused('unavailable', 'its caller has left'))
  expect(seen.stopped).toBe(1)
})

test('a CPU profile that begins too late is ended then', async () => {
  const go = Promise.withResolvers<void>()
  const { inspected, seen } = cpu(go.promise)
  const { clock, profiles } = rig(inspected)
  const taken = profiles.take({ seconds: 1 }, WAITS).catch((error: unknown) => error)
  await settle()
  clock.advance(10_000)
  expect(await taken).toEqual(new CommandRefused('unavailable', 'the worker does not react'))
  expect(seen.stopped).toBe(0)
  go.resolve()
  await settle()
  expect(seen.stopped).toBe(1)
})

test('what its client does not wait for any more is dropped', async () => {
  const { profiles } = rig(heap(20, async () => Readable.from(['{}'])))
  const client = new AbortController()
  const first = await profiles.take({ kind: 'heap' }, client.signal)
  client.abort()
  await settle()
  expect(first.destroyed).toBe(true)
  expect(await (await profiles.take({ kind: 'heap' }, WAITS)).toArray()).toEqual(['{}'])
})

test('what is not taken away is dropped after two minutes, and another can be taken', async () => {
  const { clock, profiles } = rig(heap(20, async () => Readable.from(['{}'])))
  const first = await profiles.take({ kind: 'heap' }, WAITS)
  // Nothing listens to it: an error would end the process, and the test.
  await expect(profiles.take({ kind: 'heap' }, WAITS)).rejects.toThrow('another profile is being taken')
  clock.advance(120_000)
  await settle()
  expect(first.destroyed).toBe(true)
  expect(await profiles.take({ kind: 'heap' }, WAITS)).toBeInstanceOf(Readable)
})
