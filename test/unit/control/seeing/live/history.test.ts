import { describe, expect, test } from 'vitest'
import { LiveHistory } from '../../../../../src/control/seeing/live/history.ts'
import { LiveJournal, type Looked } from '../../../../../src/control/seeing/live/journal.ts'
import { ROUTE_FIELDS, UPSTREAM_FIELDS } from '../../../../../src/control/seeing/live/rows.ts'
import { breakerStates } from '../../../../../src/features/circuit-breaker/states.ts'

describe('the history', () => {
  test('keeps 15 minutes of points, the oldest first', () => {
    const history = new LiveHistory(2)
    for (let i = 0; i < 200; i++) history.add(i * 5_000, new Map([['a', [i, null]]]))
    const points = history.of('a')
    expect(points).toHaveLength(180)
    expect([points[0], points.at(-1)]).toEqual([
      [100_000, 20, null],
      [995_000, 199, null],
    ])
  })

  test('takes nothing for what has never been busy, and forgets what has left', () => {
    const history = new LiveHistory(1)
    history.add(
      0,
      new Map([
        ['idle', [0]],
        ['busy', [1]],
      ]),
    )
    history.add(
      5_000,
      new Map([
        ['idle', [0]],
        ['busy', [0]],
      ]),
    )
    expect(history.of('idle')).toEqual([])
    expect(history.of('busy')).toEqual([
      [0, 1],
      [5_000, 0],
    ])
    history.add(10_000, new Map([['idle', [0]]]))
    expect(history.of('busy')).toEqual([])
  })

  test('of 1,000 busy routes and 200 upstreams stays below 20 MB', () => {
    const before = process.memoryUsage().arrayBuffers
    const routes = new LiveHistory(ROUTE_FIELDS.length)
    const upstreams = new LiveHistory(UPSTREAM_FIELDS.length)
    const rows = (count: number, width: number) =>
      new Map(Array.from({ length: count }, (_, i) => [`name-${i}`, Array.from({ length: width }, () => i + 1)]))
    routes.add(0, rows(1_000, ROUTE_FIELDS.length))
    upstreams.add(0, rows(200, UPSTREAM_FIELDS.length))
    const used = process.memoryUsage().arrayBuffers - before
    expect(used).toBeGreaterThan(5e6)
    expect(used).toBeLessThan(20e6)
    expect(routes.of('name-999')).toHaveLength(1)
    expect(upstreams.of('name-199')).toHaveLength(1)
  })
})

describe('the journal', () => {
  const looked = (at: number, state: 'usable' | 'unhealthy', part: Partial<Looked> = {}): Looked => ({
    at,
    generation: 1,
    hash: 'h',
    states: [
      { table: breakerStates, labels: ['r', 'u'], state: 'closed', text: 'all attempts pass', since: undefined },
    ],
    workers: [],
    endpoints: [{ upstream: 'u', endpoint: 'e', state, text: `why ${state}` }],
    last: { ok: true, at: 'then', problems: [] },
    ...part,
  })

  test('tells what changed, from what, and how long that had lasted', () => {
    const journal = new LiveJournal()
    expect(journal.look(looked(1_000, 'usable'))).toEqual([{ at: 1_000, kind: 'config', generation: 1, hash: 'h' }])
    expect(journal.look(looked(2_000, 'unhealthy'))).toMatchObject([{ kind: 'endpoint', to: 'unhealthy' }])
    expect(journal.look(looked(3_000, 'unhealthy'))).toEqual([])
    expect(journal.since('endpoint', 'u', 'e')).toBe(2_000)
    expect(journal.look(looked(9_000, 'usable'))).toEqual([
      {
        at: 9_000,
        kind: 'endpoint',
        upstream: 'u',
        endpoint: 'e',
        text: 'why usable',
        from: 'unhealthy',
        to: 'usable',
        lasted: 7_000,
      },
    ])
    expect(journal.events).toHaveLength(3)
  })

  test('tells what lasts by the kind and with the labels of its table, and why', () => {
    const journal = new LiveJournal()
    const breaker = (state: string, text: string) => ({
      states: [{ table: breakerStates, labels: ['r', 'u'], state, text, since: undefined }],
    })
    journal.look(looked(1_000, 'usable', breaker('closed', 'all attempts pass')))
    expect(journal.look(looked(2_000, 'usable', breaker('open', '5 of 9 attempts failed')))).toEqual([
      {
        at: 2_000,
        kind: 'breaker',
        route: 'r',
        upstream: 'u',
        from: 'closed',
        to: 'open',
        lasted: 1_000,
        text: '5 of 9 attempts failed',
      },
    ])
    expect(journal.since('breaker', 'r', 'u')).toBe(2_000)
  })

  test('tells each config, and each that was refused, once', () => {
    const journal = new LiveJournal()
    journal.look(looked(1_000, 'usable'))
    const bad = { last: { ok: false, at: '2026-01-01T00:00:00.000Z', problems: ['line 3: no', 'more'] } }
    const refused = { kind: 'refused', at: Date.parse(bad.last.at), problem: 'line 3: no' }
    expect(journal.look(looked(2_000, 'usable', bad))).toEqual([refused])
    expect(journal.look(looked(3_000, 'usable', bad))).toEqual([])
    expect(journal.look(looked(4_000, 'usable', { generation: 2, hash: 'i' }))).toMatchObject([
      { kind: 'config', hash: 'i' },
    ])
  })

  test('keeps 15 minutes, and 1,000 events at most', () => {
    const journal = new LiveJournal()
    for (let i = 0; i <= 1_500; i++) journal.look(looked(i, i % 2 === 0 ? 'usable' : 'unhealthy'))
    expect(journal.events).toHaveLength(1_000)
    journal.look(looked(3_600_000, 'usable'))
    expect(journal.events).toEqual([])
  })
})
