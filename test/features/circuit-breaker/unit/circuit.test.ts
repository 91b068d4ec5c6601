import { beforeEach, describe, expect, test } from 'vitest'
import { WINDOW_SLOTS } from '../../../../src/cells/window.ts'
import {
  type CallOutcome,
  Circuit,
  type CircuitChange,
  type CircuitOptions,
  REFUSED,
} from '../../../../src/features/circuit-breaker/circuit.ts'
import {
  CIRCUIT_WORDS,
  circuitState,
  Forced,
  forceCircuit,
} from '../../../../src/features/circuit-breaker/circuit-words.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TestCells } from '../../../kit/cells.ts'

const WINDOW_MS = 10_000
const OPTIONS: CircuitOptions = {
  errorRate: 0.5,
  minRequests: 20,
  openFor: 5_000,
  maxOpenFor: 60_000,
  probes: 5,
  ramp: 10_000,
  lease: 15_000,
}

let cells: TestCells
let changes: string[]
let causes: CircuitChange[]
let now: number

/** The same circuit as seen by each of `workers` workers. */
function circuits(workers: number, options: Partial<CircuitOptions> = {}): Circuit[] {
  cells = new TestCells(workers)
  const word = cells.wordBlock(CIRCUIT_WORDS)
  const slots = cells.heldBlock(WINDOW_SLOTS)
  return cells.spaces.map(
    (space, worker) =>
      new Circuit(
        space.int32(word),
        word.slot,
        space.window(slots, WINDOW_MS),
        { ...OPTIONS, ...options },
        seededRandom(worker + 1),
        (change) => {
          changes.push(change.to)
          causes.push(change)
        },
      ),
  )
}

function circuit(options: Partial<CircuitOptions> = {}): Circuit {
  return circuits(1, options)[0] as Circuit
}

/** `count` calls, each settled at once; how many were let through. */
function call(on: Circuit, outcome: CallOutcome, count: number): number {
  let admitted = 0
  for (let i = 0; i < count; i++) {
    const ticket = on.admit(now)
    if (ticket === REFUSED) continue
    admitted++
    on.settle(ticket, outcome, now)
  }
  return admitted
}

function state(): string {
  return circuitState(cells.space.int32({ page: 1, slot: 0 }), 0)
}

/** Open since just now. */
function opened(options: Partial<CircuitOptions> = {}): Circuit {
  const made = circuit(options)
  call(made, 'failure', 20)
  expect(state()).toBe('open')
  return made
}

/** In its first half-open generation. */
function halfOpen(options: Partial<CircuitOptions> = {}): Circuit {
  const made = opened(options)
  now += made.retryAfter(now)
  return made
}

beforeEach(() => {
  changes = []
  causes = []
  now = 1_000
})

test('a change says what decided it, and when it changes by itself', () => {
  const breaker = circuit({ probes: 2 })
  call(breaker, 'success', 5)
  call(breaker, 'failure', 15)
  expect(causes.at(-1)).toMatchObject({ to: 'open', cause: 'error_rate', failed: 15, total: 20 })
  expect(causes.at(-1)?.ms).toBeCloseTo(breaker.retryAfter(now), -1)
  now += breaker.retryAfter(now)
  call(breaker, 'success', 1)
  call(breaker, 'failure', 1)
  expect(causes.slice(1)).toMatchObject([
    { to: 'halfOpen', cause: 'time' },
    { to: 'open', cause: 'probe_failed', failed: 1, total: 2 },
  ])
  now += breaker.retryAfter(now)
  breaker.admit(now)
  breaker.admit(now)
  now += OPTIONS.lease + 1
  expect(breaker.admit(now)).toBe(REFUSED)
  expect(causes.at(-1)).toMatchObject({ to: 'open', cause: 'probes_lost', failed: 2, total: 2 })
  now += breaker.retryAfter(now)
  call(breaker, 'success', 2)
  expect(causes.at(-1)).toMatchObject({ to: 'ramping', cause: 'probes_succeeded', total: 2, ms: OPTIONS.ramp })
  now += OPTIONS.ramp
  call(breaker, 'success', 1)
  expect(causes.at(-1)).toMatchObject({ to: 'closed', cause: 'time' })
})

describe('closed', () => {
  test('opens when the share of failures is reached, not below the minimum of requests', () => {
    const breaker = circuit()
    expect(call(breaker, 'failure', 19)).toBe(19)
    expect(state()).toBe('closed')
    expect(call(breaker, 'failure', 5)).toBe(1)
    expect(state()).toBe('open')
    expect(changes).toEqual(['open'])
  })

  test('stays closed just below the rate', () => {
    const breaker = circuit()
    call(breaker, 'success', 51)
    call(breaker, 'failure', 50)
    expect(state()).toBe('closed')
    call(breaker, 'failure', 1)
    expect(state()).toBe('open')
  })

  test('counts all workers together, and opens for all at once', () => {
    const [one, two, three] = circuits(3) as [Circuit, Circuit, Circuit]
    call(one, 'failure', 10)
    call(two, 'failure', 9)
    expect(state()).toBe('closed')
    call(three, 'failure', 1)
    for (const each of [one, two, three]) expect(each.admit(now)).toBe(REFUSED)
    expect(changes).toEqual(['open'])
  })

  test('forgets what is older than the window, after any gap', () => {
    for (const gap of [WINDOW_MS + 1_000, 3_600_000, 10 * WINDOW_MS, 24 * 3_600_000]) {
      const breaker = circuit()
      call(breaker, 'failure', 19)
      now += gap
      call(breaker, 'failure', 1)
      expect(state()).toBe('closed')
    }
  })

  test('neutral outcomes count neither way', () => {
    const breaker = circuit()
    call(breaker, 'failure', 10)
    call(breaker, 'neutral', 100)
    expect(state()).toBe('closed')
    call(breaker, 'failure', 10)
    expect(state()).toBe('open')
  })

  test('a break behind a success is one failure more', () => {
    const breaker = circuit()
    const tickets = Array.from({ length: 20 }, () => breaker.admit(now))
    for (const ticket of tickets) breaker.settle(ticket, 'success', now)
    for (const ticket of tickets.slice(0, 9)) breaker.spoil(ticket, now)
    expect(state()).toBe('closed')
    breaker.spoil(tickets[9] as number, now)
    expect(state()).toBe('open')
    expect(changes).toEqual(['open'])
  })
})

describe('open', () => {
  test('refuses until its time has passed, and says when that is', () => {
    const breaker = opened()
    const wait = breaker.retryAfter(now)
    expect(wait).toBeGreaterThanOrEqual(5_000)
    expect(wait).toBeLessThanOrEqual(6_000)
    now += wait - 1
    expect(call(breaker, 'success', 3)).toBe(0)
    now += 1
    expect(breaker.admit(now)).not.toBe(REFUSED)
    expect(changes).toEqual(['open', 'halfOpen'])
  })

  test('late results of calls from before the opening mean nothing', () => {
    const breaker = circuit()
    const late = Array.from({ length: 50 }, () => breaker.admit(now))
    call(breaker, 'failure', 20)
    now += breaker.retryAfter(now)
    const probe = breaker.admit(now)
    for (const ticket of late) breaker.settle(ticket, 'success', now)
    expect(state()).toBe('halfOpen')
    breaker.settle(late[0] as number, 'failure', now)
    expect(state()).toBe('halfOpen')
    breaker.settle(probe, 'failure', now)
    expect(state()).toBe('open')
  })

  test('each time twice as long, up to the cap, and from the start again once it has recovered', () => {
    const breaker = opened({ ramp: 0, probes: 1 })
    const waits = [breaker.retryAfter(now)]
    for (let i = 0; i < 6; i++) {
      now += breaker.retryAfter(now)
      call(breaker, 'failure', 1)
      waits.push(breaker.retryAfter(now))
    }
    const shortest = [5, 10, 20, 40, 60, 60, 60]
    for (const [i, wait] of waits.entries()) {
      const least = (shortest[i] as number) * 1000
      expect(wait).toBeGreaterThanOrEqual(least)
      expect(wait).toBeLessThanOrEqual(Math.min(60_000, least * 1.2))
    }
    now += breaker.retryAfter(now)
    call(breaker, 'success', 1)
    expect(state()).toBe('closed')
    call(breaker, 'failure', 20)
    expect(breaker.retryAfter(now)).toBeLessThanOrEqual(6_000)
  })

  test('is not wedged when the clock words have wrapped', () => {
    for (const days of [25, 49.7, 60, 100]) {
      const breaker = opened()
      now += days * 86_400_000
      expect(breaker.admit(now)).not.toBe(REFUSED)
    }
  })
})

describe('half-open', () => {
  test('lets exactly as many through as there are probes, over all workers', () => {
    const all = circuits(3)
    call(all[0] as Circuit, 'failure', 20)
    now += 6_000
    const tickets = Array.from({ length: 30 }, (_, i) => (all[i % 3] as Circuit).admit(now))
    expect(tickets.filter((ticket) => ticket !== REFUSED)).toHaveLength(5)
  })

  test('closes by way of the ramp when all of them succeed', () => {
    const breaker = halfOpen()
    const tickets = Array.from({ length: 5 }, () => breaker.admit(now))
    for (const ticket of tickets.slice(0, 4)) breaker.settle(ticket, 'success', now)
    expect(state()).toBe('halfOpen')
    breaker.settle(tickets[4] as number, 'success', now)
    expect(state()).toBe('ramping')
    expect(changes).toEqual(['open', 'halfOpen', 'ramping'])
  })

  test('one failure opens it again', () => {
    const breaker = halfOpen()
    call(breaker, 'success', 4)
    call(breaker, 'failure', 1)
    expect(state()).toBe('open')
  })

  test('a probe whose answer breaks later opens it again', () => {
    const breaker = halfOpen()
    const probe = breaker.admit(now)
    breaker.settle(probe, 'success', now)
    breaker.spoil(probe, now)
    expect(state()).toBe('open')
    breaker.spoil(probe, now)
    expect(changes).toEqual(['open', 'halfOpen', 'open'])
  })

  test('a probe that was cancelled gives its place back', () => {
    const breaker = halfOpen()
    expect(call(breaker, 'neutral', 100)).toBe(100)
    expect(state()).toBe('halfOpen')
    expect(call(breaker, 'success', 5)).toBe(5)
    expect(state()).toBe('ramping')
  })

  test('probes that hang past their lease have failed, and never wedge it', () => {
    const breaker = halfOpen()
    const hung = Array.from({ length: 5 }, () => breaker.admit(now))
    now += OPTIONS.lease
    expect(breaker.admit(now)).toBe(REFUSED)
    now += 1
    expect(breaker.admit(now)).toBe(REFUSED)
    expect(state()).toBe('open')
    now += breaker.retryAfter(now)
    const fresh = Array.from({ length: 5 }, () => breaker.admit(now))
    expect(fresh).not.toContain(REFUSED)
    for (const ticket of hung) breaker.settle(ticket, 'success', now)
    expect(state()).toBe('halfOpen')
    for (const ticket of fresh) breaker.settle(ticket, 'success', now)
    expect(state()).toBe('ramping')
  })

  test('with little traffic it waits for probes, however long', () => {
    const breaker = halfOpen()
    for (let i = 0; i < 5; i++) {
      expect(call(breaker, 'success', 1)).toBe(1)
      now += 120_000
    }
    expect(changes.at(-1)).toBe('ramping')
  })
})

describe('ramping', () => {
  test('admits a share that grows to all, then is closed', () => {
    const breaker = halfOpen()
    call(breaker, 'success', 5)
    const shares: number[] = []
    for (let second = 0; second < 10; second++) {
      shares.push(call(breaker, 'success', 2_000) / 2_000)
      now += 1_000
    }
    for (const [i, share] of shares.entries()) expect(share).toBeCloseTo(0.1 + 0.09 * i, 1)
    expect(call(breaker, 'success', 100)).toBe(100)
    expect(state()).toBe('closed')
    expect(changes).toEqual(['open', 'halfOpen', 'ramping', 'closed'])
  })

  test('opens again by the same rule, for longer, and does not count what was before', () => {
    const breaker = halfOpen()
    call(breaker, 'success', 5)
    now += 5_000
    let failed = 0
    while (state() === 'ramping') failed += call(breaker, 'failure', 1)
    expect(failed).toBe(20)
    expect(breaker.retryAfter(now)).toBeGreaterThanOrEqual(10_000)
  })
})

describe('forced', () => {
  const force = (forced: number, until = now + 60_000): boolean =>
    forceCircuit(cells.space.int32({ page: 1, slot: 0 }), 0, forced, until)

  test('open: refuses all, and says until when', () => {
    const breaker = circuit()
    force(Forced.open)
    expect(call(breaker, 'success', 10)).toBe(0)
    expect(breaker.retryAfter(now)).toBe(60_000)
    expect(state()).toBe('forcedOpen')
    expect(breaker.isOpen(now)).toBe(true)
    force(Forced.no)
    expect(breaker.isOpen(now)).toBe(false)
    expect(call(breaker, 'success', 10)).toBe(10)
  })

  test('closed: lets all through and never opens; afterwards the same rule holds again', () => {
    const breaker = opened()
    force(Forced.closed)
    expect(call(breaker, 'failure', 100)).toBe(100)
    expect(state()).toBe('forcedClosed')
    expect(breaker.isOpen(now)).toBe(false)
    force(Forced.no)
    expect(breaker.isOpen(now)).toBe(true)
    expect(state()).toBe('open')
  })
})
