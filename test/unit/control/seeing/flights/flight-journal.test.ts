import { describe, expect, test } from 'vitest'
import { FlightJournal } from '../../../../../src/control/seeing/flights/flight-journal.ts'
import { FlightLog } from '../../../../../src/control/seeing/flights/flight-log.ts'
import type { Flight } from '../../../../../src/core/flight.ts'
import { ManualClock } from '../../../../kit/clock.ts'
import { flight } from '../../../../kit/flight.ts'
import { memoryLog } from '../../../../kit/log.ts'
import { TestStore } from '../../../../kit/store.ts'
import { settle } from '../../../../kit/until.ts'

/** One process after the other on the same store. */
class Rig {
  readonly clock: ManualClock = new ManualClock()
  readonly stored: TestStore = new TestStore()
  readonly log: ReturnType<typeof memoryLog> = memoryLog()
  entries = 100
  lost = 0
  private processes = 0

  async start() {
    const process = { pid: ++this.processes, startedAt: new Date(this.clock.wall()).toISOString() }
    const lost = {
      inc: (by = 1): void => {
        this.lost += by
      },
    }
    const { clock, log } = this
    const journal = new FlightJournal({ store: this.stored.store, process, lost, clock, log })
    const flights = new FlightLog({ entries: () => this.entries, process, keeper: journal })
    for await (const found of journal.stored()) flights.restore(found)
    return { journal, flights }
  }

  /** Lets it write what waits. */
  async flush(ms = 1_000): Promise<void> {
    this.clock.advance(ms)
    await settle()
  }

  get messages(): string[] {
    return this.log.lines.map(({ level, message }) => `${level} ${message}`)
  }
}

const listed = (flights: FlightLog) => flights.list({ params: {}, query: { limit: '1000' } }).requests
const ids = (flights: FlightLog): string[] => listed(flights).map(({ requestId }) => requestId)
const some = (count: number, prefix: string, facts: Partial<Flight> = {}): Flight[] =>
  Array.from({ length: count }, (_, i) => flight(`${prefix}${i}`, facts))

describe('a restart', () => {
  test('finds what was kept, with its story and who recorded it', async () => {
    const rig = new Rig()
    const before = await rig.start()
    const story = flight('a', { correlationId: 'x' })
    before.flights.take([story])
    await rig.flush()
    const { flights } = await rig.start()
    flights.take([flight('b', { correlationId: 'x' })])
    const { requests } = flights.find({ params: { id: 'x' }, query: {} })
    const startedAt = '2026-01-01T00:00:01.000Z'
    expect(requests.map(({ process, requestId }) => [requestId, process.pid, process.current])).toEqual([
      ['b', 2, true],
      ['a', 1, false],
    ])
    expect(requests[1]).toEqual({ ...story, process: { pid: 1, startedAt, current: false } })
    expect(listed(flights)[1]?.process).toEqual({ pid: 1, startedAt, current: false })
  })

  test('forgets what the second before the kill brought, and no more', async () => {
    const rig = new Rig()
    const { flights } = await rig.start()
    flights.take([flight('old')])
    await rig.flush(1_000)
    flights.take([flight('new')])
    await rig.flush(999)
    expect(ids((await rig.start()).flights)).toEqual(['old'])
    await rig.flush(1)
    expect(ids((await rig.start()).flights)).toEqual(['new', 'old'])
  })

  test('forgets nothing after an orderly end', async () => {
    const rig = new Rig()
    const { flights, journal } = await rig.start()
    flights.take(some(10, 'a'))
    await journal.close()
    expect(rig.clock.timers).toBe(0)
    expect(ids((await rig.start()).flights)).toHaveLength(10)
  })

  test('finds the same as was there, whatever displaced what, over many restarts', async () => {
    const rig = new Rig()
    rig.entries = 40
    for (let round = 0; round < 30; round++) {
      const { flights, journal } = await rig.start()
      flights.take(some(1 + ((round * 7) % 23), `u${round}-`))
      flights.take(some((round * 5) % 13, `c${round}-`, { origin: 'client' }))
      await rig.flush()
      flights.take(some((round * 3) % 7, `r${round}-`, { origin: 'sluice', attempts: 0 }))
      await journal.close()
      expect(ids((await rig.start()).flights)).toEqual(ids(flights))
    }
    // What is displaced is deleted: a batch stays for the sake of its last request.
    const stored = await rig.stored.keys('flights/')
    expect(stored.length).toBeLessThan(40)
  })

  test('with fewer places keeps the latest, and deletes the others', async () => {
    const rig = new Rig()
    for (let i = 0; i < 10; i++) {
      const { flights, journal } = await rig.start()
      flights.take(some(8, `${i}-`))
      await journal.close()
    }
    rig.entries = 10
    const { flights } = await rig.start()
    expect(ids(flights)).toHaveLength(10)
    await rig.flush()
    expect(await rig.stored.keys('flights/')).toHaveLength(2)
  })

  test.each([
    ['no JSON', 'x'],
    ['null', 'null'],
    ['of a newer version', JSON.stringify({ version: 2, process: { pid: 1, startedAt: 'x' }, flights: [flight('a')] })],
    ['without a process', JSON.stringify({ version: 1, flights: [flight('a')] })],
    ['with requests of another shape', record({ flights: [null, 7, {}, { ...flight('a'), status: '503' }] })],
    ['with a story that is none', record({ flights: [{ ...flight('a'), timeline: [{ kind: 'attempt' }] }] })],
    ['of no time', record({ flights: [flight('a', { time: 'soon' })] })],
  ])('passes over a record that is %s, and deletes it', async (_, json) => {
    const rig = new Rig()
    await rig.stored.store.put('flights/attempted/x/1', Buffer.from(json))
    const { flights } = await rig.start()
    expect(ids(flights)).toEqual([])
    flights.take([flight('b')])
    await rig.flush()
    expect(await rig.stored.keys('flights/attempted/x/')).toEqual([])
  })

  test('at which the store cannot be read begins with none, and says so', async () => {
    const rig = new Rig()
    rig.stored.down = 'deadline'
    expect(ids((await rig.start()).flights)).toEqual([])
    expect(rig.messages).toEqual(['warn the requests that were kept before cannot be read'])
  })
})

describe('a store', () => {
  test('gets few writes, however many requests there are', async () => {
    const rig = new Rig()
    rig.entries = 1000
    const { flights } = await rig.start()
    for (let i = 0; i < 100; i++) flights.take(some(10, `${i}-`))
    await rig.flush()
    expect(rig.stored.writes).toBeLessThan(10)
  })

  test('that is slow holds nothing up: what waits is bounded as what is kept is, and the rest is counted', async () => {
    const rig = new Rig()
    const { flights } = await rig.start()
    rig.stored.hold()
    for (let i = 0; i < 50; i++) {
      flights.take(some(10, `${i}-`))
      await rig.flush()
    }
    expect(ids(flights)).toHaveLength(100)
    expect(rig.lost).toBe(400)
    rig.stored.release()
    await settle()
    await rig.flush()
    expect(ids((await rig.start()).flights)).toEqual(ids(flights))
  })

  test('that hangs holds up the end for two seconds', async () => {
    const rig = new Rig()
    const { flights, journal } = await rig.start()
    rig.stored.hold()
    flights.take(some(5, 'a'))
    const closed = journal.close()
    await rig.flush(2_000)
    await closed
    expect(rig.clock.timers).toBe(0)
  })

  test('that fails is told once, asked less often, and gets what waits when it is back', async () => {
    const rig = new Rig()
    const { flights } = await rig.start()
    rig.stored.down = 'full'
    flights.take(some(5, 'a'))
    for (let i = 0; i < 120; i++) await rig.flush()
    expect(rig.stored.writes).toBeGreaterThan(3)
    expect(rig.stored.writes).toBeLessThan(12)
    expect(rig.messages).toEqual(['warn kept requests cannot be stored: a restart forgets them'])
    rig.stored.down = undefined
    await rig.flush(30_000)
    expect(rig.messages.at(-1)).toBe('info kept requests are stored again')
    expect(ids((await rig.start()).flights)).toEqual(ids(flights))
    expect(rig.lost).toBe(0)
  })

  test('gets large requests one by one', async () => {
    const rig = new Rig()
    const { flights } = await rig.start()
    flights.take(some(10, 'a', { path: 'x'.repeat(300_000) }))
    await rig.flush()
    expect(await rig.stored.keys('flights/')).toHaveLength(10)
    expect(ids((await rig.start()).flights)).toHaveLength(10)
  })
})

function record(more: object): string {
  return JSON.stringify({ version: 1, process: { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' }, ...more })
}
