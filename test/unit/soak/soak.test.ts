import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../kit/clock.ts'
import { judge, type Sample, type SoakFacts, slope, verdictTable } from '../../soak/judge.ts'
import { Ledger } from '../../soak/ledger.ts'
import { picture } from '../../soak/picture.ts'

const MB = 1e6

/** A look each 5 s; `pss`: of the second since the beginning. */
function samples(minutes: number, pss: (second: number) => number): Sample[] {
  return Array.from({ length: minutes * 12 }, (_, i) => {
    const at = 5 * (i + 1)
    return { at, pss: pss(at), rss: 0, heap: 20 * MB, external: 5 * MB, rate: 1000, failures: 0 }
  })
}

const FACTS: SoakFacts = {
  minutes: 30,
  samples: samples(30, () => 300 * MB),
  begun: 1_010,
  lines: 1_000,
  counted: 1_007,
  workerLost: 7,
  strange: 0,
  lost: 0,
  workerEnded: 8,
  left: 2,
  lostEnds: 0,
  dropped: 0,
  held: {},
  unexplained: 0,
  errors: 0,
  exitCode: 0,
}

describe('memory', () => {
  it('is judged by its growth in the last minutes alone', () => {
    const grows = samples(30, (at) => (at < 600 ? 300 * MB + at * MB : 900 * MB + ((at - 600) / 60) * 0.5 * MB))
    expect(slope(grows, 20)).toBeCloseTo(0.5, 1)
    expect(slope(grows, 30)).toBeGreaterThan(5)
  })

  it('may go up and down', () => {
    const saw = samples(30, (at) => 300 * MB + (at % 60) * MB)
    expect(Math.abs(slope(saw, 20))).toBeLessThan(0.2)
  })
})

describe('the verdict of a soak', () => {
  const failing = (change: Partial<SoakFacts>): string[] =>
    judge({ ...FACTS, ...change })
      .filter(({ holds }) => holds === false)
      .map(({ what }) => what.split(',')[0] as string)

  it('holds where all begun requests have their end', () => expect(failing({})).toEqual([]))

  it.each<[string, Partial<SoakFacts>, RegExp]>([
    ['memory that grows', { samples: samples(30, (at) => (at / 60) * 1.5 * MB) }, /growth of memory/],
    ['a request without a line', { begun: 1_011, lost: 1 }, /requests without a line/],
    ['a line too many', { strange: 1 }, /lines without a request/],
    ['a request that the metrics do not have', { counted: 1_006 }, /requests in the metrics/],
    ['more lost with workers than there were', { workerLost: 11, counted: 1_011 }, /lost with their worker/],
    ['a permit that is held', { held: { sluice_requests_in_flight: 1 } }, /held/],
    ['a lost end', { lostEnds: 1 }, /lost ends/],
    ['a failure without an explanation', { unexplained: 1 }, /nothing explains/],
    ['an error that no ended worker accounts for', { errors: 1 }, /operational log/],
    ['a gateway that ended badly', { exitCode: null }, /exit code/],
  ])('does not for %s', (_, change, what) => expect(failing(change)).toContainEqual(expect.stringMatching(what)))

  it('says where a run was too short for memory', () => {
    const verdicts = judge({ ...FACTS, minutes: 2, samples: samples(2, (at) => at * MB) })
    expect(verdicts.filter(({ holds }) => holds === false)).toEqual([])
    expect(verdictTable(verdicts)).toMatch(/MB per minute \| below 1 \| 60\.00 \| run too short \|/)
  })
})

describe('the ledger', () => {
  const clock = new ManualClock()

  it('explains a failure by what was done while the request ran, or shortly before it began', () => {
    const ledger = new Ledger(clock)
    const before = ledger.begin('get')
    clock.advance(100)
    ledger.did('worker ended')
    clock.advance(100)
    const after = ledger.begin('get')
    ledger.end(before, 'ECONNRESET')
    ledger.end(after, 'ECONNRESET')
    expect(ledger.explained).toEqual({ 'worker ended: get ECONNRESET': 2 })
    clock.advance(10_000)
    ledger.end(ledger.begin('get'), 'ECONNRESET')
    expect(ledger.unexplainedCount).toBe(1)
  })

  it('takes no event for the explanation of what it cannot cause', () => {
    const ledger = new Ledger(clock)
    ledger.did('endpoint down')
    ledger.did('reload')
    ledger.end(ledger.begin('get'), '502 upstream_reset')
    ledger.end(ledger.begin('post'), '503 overloaded')
    ledger.end(ledger.begin('post'), '502 upstream_reset')
    expect(ledger.unexplained.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      'get 502 upstream_reset',
      'post 503 overloaded',
    ])
  })

  it('takes each line once, and tells what has none', () => {
    const ledger = new Ledger(clock)
    const [whole, left, died, lost] = [0, 1, 2, 3].map(() => ledger.begin('get'))
    ledger.line(whole?.id as string)
    ledger.line(whole?.id as string)
    ledger.line('another')
    ledger.end(left as never, 'left')
    ledger.end(died as never, 'ECONNRESET')
    ledger.end(lost as never, 'ok')
    expect(ledger).toMatchObject({ lines: 3, strange: 2, all: 4 })
    expect(ledger.withoutLine).toMatchObject({ left: 1, workerEnded: 1, lost: [{ id: lost?.id }] })
  })
})

it('draws memory and load, with what was done to the gateway', () => {
  const text = picture(
    samples(2, () => 300 * MB),
    [
      { event: 'worker ended', at: 60 },
      { event: 'reload', at: 10 },
    ],
    'a <title>',
  )
  expect(text).toMatch(/^<svg /)
  expect(text).toContain('a &lt;title&gt;')
  expect(text.match(/<polyline/g)).toHaveLength(4)
  expect(text.match(/stroke-opacity/g)).toHaveLength(1)
  expect(text).not.toMatch(/NaN|undefined|Infinity/)
})
