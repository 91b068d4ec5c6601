import { expect, test } from 'vitest'
import { ReadBuffers, ReadMemory } from '../../../../../src/data/upstreams/transports/http1-read-buffers.ts'
import { scavenger } from '../../../../../src/lib/scavenge.ts'

const PER_SCAVENGE = 32 * 16

test('dead buffers are freed after every 32 MiB of large reads', () => {
  let freed = 0
  const memory = new ReadMemory(() => freed++)
  for (let i = 0; i < PER_SCAVENGE - 1; i++) memory.large()
  expect(freed).toBe(0)
  memory.large()
  expect(freed).toBe(1)
  for (let i = 0; i < 2 * PER_SCAVENGE; i++) memory.large()
  expect(freed).toBe(3)
  for (let i = 0; i < PER_SCAVENGE; i++) memory.spend(65_536)
  expect(freed).toBe(4)
})

test('or never, where V8 alone frees them', () => {
  const memory = new ReadMemory(undefined)
  for (let i = 0; i < 2 * PER_SCAVENGE; i++) expect(memory.large().length).toBe(65_536)
})

test('small reads share one buffer, large ones have their own', () => {
  const memory = new ReadMemory(undefined)
  const buffers = new ReadBuffers(memory)
  expect(buffers.next()).toBe(memory.shared)
  buffers.used(65_536)
  const own = buffers.next()
  expect(own).not.toBe(memory.shared)
  expect([buffers.owned(65_536, own), buffers.owned(100, own), buffers.owned(65_536, memory.shared)]).toEqual([
    true,
    false,
    false,
  ])
  buffers.used(100)
  expect(buffers.next()).toBe(memory.shared)
})

test('a buffer for large reads serves again, here and elsewhere, unless a part of it is kept', () => {
  const memory = new ReadMemory(undefined)
  const [one, other] = [new ReadBuffers(memory), new ReadBuffers(memory)]
  one.used(65_536)
  const first = one.next()
  one.used(65_536)
  expect(one.next()).toBe(first)
  one.keep(first)
  const second = one.next()
  expect(second).not.toBe(first)
  one.keep(memory.shared)
  one.used(100)
  expect(one.next()).toBe(memory.shared)
  other.used(65_536)
  expect(other.next()).toBe(second)
})

test('a few buffers wait for further large reads', () => {
  const memory = new ReadMemory(undefined)
  const used = Array.from({ length: 40 }, () => memory.large())
  for (const buffer of used) memory.free(buffer)
  const again = Array.from({ length: 40 }, () => memory.large())
  expect(again.filter((buffer) => used.includes(buffer)).length).toBe(16)
})

test('a scavenge frees buffers that nothing holds', async () => {
  const scavenge = scavenger()
  const held = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 400; i++) Buffer.allocUnsafeSlow(65_536)
  scavenge()
  // Freed on a thread of V8's own, shortly after.
  for (let i = 0; i < 200 && process.memoryUsage().arrayBuffers - held > 10_000_000; i++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(10_000_000)
})

test('a connection that changed its protocol holds no buffer of its own, whatever it has read', () => {
  const memory = new ReadMemory(undefined)
  const buffers = new ReadBuffers(memory)
  buffers.used(65_536)
  const own = buffers.next()
  buffers.used(20_000)
  buffers.share()
  expect(buffers.next()).toBe(memory.shared)
  // It is there for others.
  expect(memory.large()).toBe(own)
  for (const bytes of [20_000, 65_536]) {
    buffers.used(bytes)
    expect(buffers.next()).toBe(memory.shared)
    const read = buffers.copy(bytes, memory.shared)
    expect([read.length, read.buffer === memory.shared.buffer]).toEqual([bytes, false])
  }
})

test('what is copied of large reads counts for the next scavenge', () => {
  let freed = 0
  const memory = new ReadMemory(() => freed++)
  const buffers = new ReadBuffers(memory)
  for (let i = 0; i < PER_SCAVENGE; i++) buffers.copy(65_536, memory.shared)
  expect(freed).toBe(1)
  for (let i = 0; i < PER_SCAVENGE; i++) buffers.copy(100, memory.shared)
  expect(freed).toBe(1)
})
