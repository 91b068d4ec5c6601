import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Openings } from '../../../../src/control/workers/openings.ts'
import type { RunningWorker } from '../../../../src/control/workers/running-worker.ts'
import { WorkerSlot } from '../../../../src/control/workers/slot.ts'
import type { ListenerConfig } from '../../../../src/core/config.ts'
import type { FromWorker, ToWorker } from '../../../../src/core/protocol.ts'
import { unixPath } from '../../../../src/lib/address.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'

const CELL = { page: 0, slot: 0 }
const REGISTRY = { lease: () => ({ listener: () => CELL }) }
const PORT = 8080

/** Binds paths in earnest, and ports not at all; closes what it is told to. */
class TestWorker {
  readonly closed: { readonly id: string; readonly cutAfter: number }[] = []
  readonly open = new Map<string, Server | undefined>()
  asked = 0
  /** What its answers wait for. */
  gate: Promise<unknown> | undefined = undefined

  async ask<T>(message: ToWorker, _ms: number, answer: (message: FromWorker) => T | undefined): Promise<T> {
    if (message.type !== 'listen') throw new Error(message.type)
    this.asked++
    const { id, listener } = message
    const path = unixPath(listener.host)
    const server = path === undefined ? undefined : createServer()
    this.open.set(id, server)
    if (server !== undefined) await new Promise<void>((resolve) => server.listen(path, resolve))
    await this.gate
    return answer({ type: 'listening', id, port: PORT }) as T
  }

  post(message: ToWorker): void {
    if (message.type !== 'close-listener') throw new Error(message.type)
    const { cutAfter, id } = message
    this.closed.push({ id, cutAfter })
    this.open.get(id)?.close()
    this.open.delete(id)
  }
}

function slotOf(worker: number): { slot: WorkerSlot; thread: RunningWorker; test: TestWorker } {
  const slot = new WorkerSlot(worker, CELL, CELL)
  const test = new TestWorker()
  const thread = test as unknown as RunningWorker
  slot.begin(thread, 0, 0)
  slot.active = true
  slot.generation = 1
  return { slot, thread, test }
}

function set() {
  const clock = new ManualClock()
  const log = memoryLog()
  const workers = [slotOf(0), slotOf(1)] as const
  const slots = workers.map(({ slot }) => slot)
  let bringing: Promise<unknown> = Promise.resolve()
  const options = { registry: REGISTRY as never, clock, log, reusePort: true }
  const openings: Openings = new Openings(options, {
    opening() {},
    lacking() {
      bringing = Promise.all(workers.map(({ slot, thread }) => openings.complete(slot, thread)))
    },
  })
  /** Moves time, and lets the workers do what is due by then. */
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await bringing
  }
  return { clock, log, openings, workers, slots, pass }
}

const listener = (host: string): ListenerConfig => ({ name: 'web', host, port: 0, mode: 0o660 }) as ListenerConfig

function gate(): { open: () => void; promise: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: () => resolve() }
}

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-openings-'))
  path = join(folder, 'in', 's.sock')
  await mkdir(join(folder, 'in'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a listener that is closed while another worker opens it', () => {
  test('is closed there as soon as it is open, with the time that its connections were given', async () => {
    const { openings, slots, workers } = set()
    const [first, second] = workers
    await openings.first(first.slot, first.thread, listener('127.0.0.1'))
    const { open, promise } = gate()
    second.test.gate = promise
    const done = openings.complete(second.slot, second.thread)
    openings.remove('web', 7_000, slots)
    expect(first.test.closed).toEqual([{ id: 'web 1', cutAfter: 7_000 }])
    expect(second.test.closed).toEqual([])
    open()
    await done
    expect(second.test.closed).toEqual([{ id: 'web 1', cutAfter: 7_000 }])
    expect([...first.slot.listening, ...second.slot.listening]).toEqual([])
  })

  test('does not keep that worker from opening the others', async () => {
    const { openings, slots, workers } = set()
    const [first, second] = workers
    await openings.first(first.slot, first.thread, listener('127.0.0.1'))
    await openings.first(first.slot, first.thread, { ...listener('127.0.0.2'), name: 'other' })
    const { open, promise } = gate()
    second.test.gate = promise
    const done = openings.complete(second.slot, second.thread)
    openings.remove('web', 0, slots)
    open()
    await done
    expect([...second.slot.listening]).toEqual(['other 2'])
    expect([...second.test.open.keys()]).toEqual(['other 2'])
  })

  test('leaves the path to what has come there since', async () => {
    const { openings, log, slots, workers } = set()
    const [first, second] = workers
    await openings.first(first.slot, first.thread, listener(`unix:${path}`))
    first.slot.active = false
    const { open, promise } = gate()
    second.test.gate = promise
    const done = openings.complete(second.slot, second.thread)
    openings.remove('web', 0, slots)
    open()
    await done
    expect(await readdir(join(folder, 'in'))).toEqual([])
    expect([...second.slot.listening, ...second.test.open.keys()]).toEqual([])
    expect(log.lines).toEqual([])
  })
})

describe('a socket that is bound but cannot take its name', () => {
  test('is closed, and the next attempt begins anew', async () => {
    const { openings, workers } = set()
    const [{ slot, test, thread }] = workers
    await mkdir(path)
    for (const id of ['web 1', 'web 2']) {
      await expect(openings.first(slot, thread, listener(`unix:${path}`))).rejects.toThrow('listeners.web.listen')
      expect(test.closed.at(-1)).toEqual({ id, cutAfter: 0 })
      expect([...slot.listening, ...test.open.keys()]).toEqual([])
    }
    await rmdir(path)
    await openings.first(slot, thread, listener(`unix:${path}`))
    expect([...slot.listening]).toEqual(['web 3'])
    expect(await readdir(join(folder, 'in'))).toEqual(['s.sock'])
  })

  test('is closed in a worker that takes over, too; attempts go on with growing waits, by any worker', async () => {
    const { clock, log, openings, pass, slots, workers } = set()
    const [first, second] = workers
    await openings.first(first.slot, first.thread, listener(`unix:${path}`))
    first.slot.ending = 'error'
    await rm(path)
    await mkdir(path)
    await openings.complete(second.slot, second.thread)
    expect([...second.slot.listening, ...second.test.open.keys()]).toEqual([])
    // The one that ended is back: it does not attempt at once what has just failed.
    first.slot.ending = undefined
    first.slot.listening.clear()
    await openings.complete(first.slot, first.thread)
    expect([first.test.asked, second.test.asked]).toEqual([1, 1])
    for (const wait of [100, 200, 400]) await pass(wait)
    // One attempt each time.
    expect(first.test.asked + second.test.asked).toBe(5)
    expect(log.lines.map(({ fields }) => fields.in_ms)).toEqual([100, 200, 400, 800])
    await rmdir(path)
    await pass(799)
    expect(log.lines.length).toBe(4)
    await pass(1)
    expect(log.lines.at(-1)).toMatchObject({ level: 'info', message: 'a worker takes over a unix: socket' })
    expect([...first.slot.listening, ...second.slot.listening]).toEqual(['web 1'])
    expect(await readdir(join(folder, 'in'))).toEqual(['s.sock'])
    expect(clock.timers).toBe(0)
    openings.remove('web', 0, slots)
    expect([...first.test.open.keys(), ...second.test.open.keys()]).toEqual([])
  })

  test('is attempted again once its folder, which has gone, has come back', async () => {
    const { log, openings, pass, workers } = set()
    const [first, second] = workers
    await openings.first(first.slot, first.thread, listener(`unix:${path}`))
    first.slot.active = false
    await rename(join(folder, 'in'), join(folder, 'away'))
    await openings.complete(second.slot, second.thread)
    expect(log.lines).toMatchObject([{ level: 'error', fields: { listener: 'web', worker: 1, in_ms: 100 } }])
    await rename(join(folder, 'away'), join(folder, 'in'))
    await pass(100)
    expect([...second.slot.listening]).toEqual(['web 1'])
    expect(await readdir(join(folder, 'in'))).toEqual(['s.sock'])
  })

  test('is attempted no more when it is closed, or when all are', async () => {
    for (const end of ['remove', 'unbind'] as const) {
      const { clock, openings, slots, workers } = set()
      const [first, second] = workers
      await openings.first(first.slot, first.thread, listener(`unix:${path}`))
      first.slot.active = false
      await rm(path, { recursive: true, force: true })
      await mkdir(path)
      await openings.complete(second.slot, second.thread)
      expect(clock.timers).toBe(1)
      if (end === 'remove') openings.remove('web', 0, slots)
      else await openings.unbind()
      expect(clock.timers).toBe(0)
      await openings.complete(second.slot, second.thread)
      expect(second.test.asked).toBe(1)
      await rmdir(path)
    }
  })
})

describe('what has come to the path since its owner ended', () => {
  /** Listens there; with a file of that inode if the system gives that number away again, as most do at once. */
  async function listenAsInode(server: Server, inode: number): Promise<void> {
    for (let i = 0; i < 50; i++) {
      const beside = join(folder, `beside ${i}`)
      await writeFile(beside, '')
      if ((await lstat(beside)).ino !== inode) continue
      await rm(beside)
      break
    }
    await new Promise<void>((resolve) => server.listen(path, resolve))
  }

  test.each<['server' | 'file', string]>([
    ['server', 'another process answers on it'],
    ['file', 'there is a file that is no socket'],
  ])('a %s stays; once it has gone a worker takes over', async (what, why) => {
    const { log, openings, pass, slots, workers } = set()
    const [first, second] = workers
    await openings.first(first.slot, first.thread, listener(`unix:${path}`))
    first.slot.ending = 'error'
    const old = await lstat(path)
    await new Promise((resolve) => first.test.open.get('web 1')?.close(resolve))
    await rm(path)
    const server = createServer((socket) => socket.destroy())
    if (what === 'file') await writeFile(path, 'mine')
    else await listenAsInode(server, old.ino)
    const { ino } = await lstat(path)
    const isThere = async (): Promise<boolean> => (await lstat(path)).ino === ino
    await openings.complete(second.slot, second.thread)
    await pass(100)
    expect(log.lines).toMatchObject([100, 200].map((in_ms) => ({ level: 'error', fields: { in_ms } })))
    expect(String(log.lines[0]?.fields.error)).toContain(`cannot listen on unix:${path}: ${why}`)
    expect([...second.slot.listening, ...second.test.open.keys()]).toEqual([])
    expect(await isThere()).toBe(true)
    if (what === 'file') await rm(path)
    else await new Promise((resolve) => server.close(resolve))
    await pass(200)
    expect([...second.slot.listening]).toEqual(['web 1'])
    openings.remove('web', 0, slots)
    await vi.waitFor(async () => expect(await readdir(join(folder, 'in'))).toEqual([]))
  })

  test('stays when all are closed', async () => {
    const { openings, workers } = set()
    const [first] = workers
    await openings.first(first.slot, first.thread, listener(`unix:${path}`))
    first.test.open.get('web 1')?.close()
    await rm(path)
    await writeFile(path, 'mine')
    await openings.unbind()
    expect(await readFile(path, 'utf8')).toBe('mine')
  })
})
