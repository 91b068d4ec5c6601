import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { type CellRef, PAGE_BYTES, type Page } from '../../../src/cells/pages.ts'
import { CellSpace } from '../../../src/cells/space.ts'

export interface RaceStart {
  readonly page: Page
  readonly ref: CellRef
  readonly workers: number
  readonly worker: number
  readonly limit: number
  readonly rounds: number
  /** Two Int32: how many permits are held by anybody's count, and how many threads have started. */
  readonly witness: SharedArrayBuffer
}

const intsPage = (): Page => ({ id: 1, kind: 'ints', buffer: new SharedArrayBuffer(PAGE_BYTES) })

function spaces(workers: number, page: Page): CellSpace[] {
  return Array.from({ length: workers }, (_, worker) => {
    const space = new CellSpace(workers, worker)
    space.add([page])
    return space
  })
}

describe('held cells', () => {
  test.each([1, 2, 3, 5, 16])('%i workers: the value is the sum, each cell is apart', (workers) => {
    const views = spaces(workers, intsPage())
    const slots = CellSpace.columnSlots(workers)
    const refs = [0, 1, slots - 1].map((slot) => ({ page: 1, slot }))
    views.forEach((space, worker) => {
      refs.forEach((ref, i) => {
        for (let n = 0; n <= worker + i; n++) space.held(ref).take()
      })
    })
    const triangle = (workers * (workers + 1)) / 2
    refs.forEach((ref, i) => {
      for (const space of views) expect(space.held(ref).sum()).toBe(triangle + i * workers)
    })
    expect(views[workers - 1]?.held(refs[0] as CellRef).mine()).toBe(workers)
  })

  test.each([1, 2, 3, 5, 16])('%i workers: columns share no cache line and stay within the page', (workers) => {
    const slots = CellSpace.columnSlots(workers)
    expect((slots * 4) % 64).toBe(0)
    expect(slots * 4 * workers).toBeLessThanOrEqual(PAGE_BYTES)
  })

  test('what lies behind the last column is nobody’s', () => {
    const page = intsPage()
    new Int32Array(page.buffer).fill(1, CellSpace.columnSlots(3) * 3)
    expect(spaces(3, page)[0]?.held({ page: 1, slot: 0 }).sum()).toBe(0)
  })

  test('a lone taker gets every permit below the limit and none above', () => {
    const [mine, theirs] = spaces(2, intsPage()).map((space) => space.held({ page: 1, slot: 7 }))
    if (mine === undefined || theirs === undefined) throw new Error('unreachable')
    for (let i = 0; i < 3; i++) theirs.take()
    for (let i = 0; i < 7; i++) expect(mine.takeBelow(10)).toBe(true)
    expect(mine.takeBelow(10)).toBe(false)
    expect([mine.mine(), mine.sum()]).toEqual([7, 10])
    theirs.give()
    expect(mine.takeBelow(10)).toBe(true)
    expect(mine.takeBelow(10)).toBe(false)
    expect(mine.takeBelow(0)).toBe(false)
    expect(mine.sum()).toBe(10)
  })

  test('an unknown page is an error, not a silent zero', () => {
    const space = new CellSpace(1, 0)
    expect(() => space.held({ page: 9, slot: 0 })).toThrow('no page 9')
    expect(() => space.float64({ page: 9, slot: 0 })).toThrow('no page 9')
  })
})

describe('two threads race', () => {
  test.each([1, 2])('for %i: never more than the limit, and all is given back', async (limit) => {
    const page = intsPage()
    const witness = new SharedArrayBuffer(8)
    const start = { page, ref: { page: 1, slot: 3 }, workers: 2, limit, rounds: 300_000, witness }
    const results = await Promise.all([0, 1].map((worker) => race({ ...start, worker })))
    // One of them may be kept from its core while it holds the only permit, and the other gets none.
    expect(results.some(({ taken }) => taken > 0)).toBe(true)
    for (const { taken, most } of results) {
      expect(most).toBeLessThanOrEqual(limit)
      // Two takers can never be in each other's way where there is a permit for each.
      if (limit === 2) expect(taken).toBe(start.rounds)
    }
    expect(spaces(2, page)[0]?.held(start.ref).sum()).toBe(0)
  })
})

function race(start: RaceStart): Promise<{ taken: number; most: number }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./racer.ts', import.meta.url), { workerData: start })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
