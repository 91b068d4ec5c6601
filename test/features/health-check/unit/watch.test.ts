import { describe, expect, test } from 'vitest'
import type { Check, CheckDone, CheckRequest } from '../../../../src/features/health-check/control/check.ts'
import { EndpointWatch } from '../../../../src/features/health-check/control/watch.ts'
import type { HealthCheckOptions } from '../../../../src/features/health-check/keys.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { Slots } from '../../../../src/lib/slots.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { HEALTH_CHECK } from '../../../kit/lean.ts'

const CONFIG: HealthCheckOptions = { ...HEALTH_CHECK, interval: 5000, timeout: 1000 }

const request = (config: Partial<HealthCheckOptions> = {}): CheckRequest => ({
  target: { address: '127.0.0.1', port: 1, tls: undefined },
  authority: 'a',
  config: { ...CONFIG, ...config },
})

/** Checks that wait until the test answers them. */
function rig(slots = new Slots(10)) {
  const clock = new ManualClock()
  const open: CheckDone[] = []
  const begun: number[] = []
  const said: string[] = []
  const check: Check = (_request, done) => {
    begun.push(clock.now())
    open.push(done)
    return () => {
      const at = open.indexOf(done)
      if (at !== -1) open.splice(at, 1)
    }
  }
  const checks = { http: check, tcp: check, grpc: check }
  const make = (config: Partial<HealthCheckOptions> = {}) =>
    new EndpointWatch(
      request(config),
      { checks, slots, clock, random: seededRandom(7) },
      {
        checked: (result) => said.push(result),
        healthy: () => said.push('up'),
        unhealthy: ({ detail, failed, needed, reason }) => said.push(`down ${reason} ${detail} ${failed}/${needed}`),
      },
    )
  const answer = (...answer: Parameters<CheckDone>): void => (open.shift() as CheckDone)(...answer)
  return { clock, open, begun, said, make, answer }
}

describe('EndpointWatch', () => {
  test('goes down after failures that are repeated quickly, and comes back', () => {
    const { clock, open, begun, said, make, answer } = rig()
    const watch = make()
    const next = (...result: Parameters<CheckDone>): void => {
      for (let i = 0; i < 60 && open.length === 0; i++) clock.advance(100)
      answer(...result)
    }
    next('ok', '')
    for (let i = 0; i < 3; i++) next('status', '503')
    expect(watch.healthy).toBe(false)
    const [, first = 0, second = 0, third = 0] = begun
    expect(second - first).toBeLessThanOrEqual(1200)
    expect(third - second).toBeLessThanOrEqual(1200)
    for (let i = 0; i < 2; i++) next('ok', '')
    expect(said).toEqual(['ok', 'status', 'status', 'status', 'down status 503 3/2', 'ok', 'ok', 'up'])
    watch.close()
    expect(clock.timers).toBe(0)
  })

  test('first checks are spread over the interval', () => {
    const { clock, begun, make } = rig(new Slots(100))
    const watches = Array.from({ length: 20 }, () => make())
    clock.advance(5000)
    expect(begun).toHaveLength(20)
    for (const watch of watches) watch.close()
    expect(clock.timers).toBe(0)
  })

  test('a check that hangs ends at its deadline', () => {
    const { clock, open, said, make } = rig()
    const watch = make({ timeout: 200 })
    while (open.length === 0) clock.advance(10)
    clock.advance(180)
    expect(said).toEqual([])
    clock.advance(20)
    expect(said).toEqual(['timeout', 'down timeout 200 ms 1/2'])
    expect(open).toEqual([])
    watch.close()
  })

  test('while this thread stood still, deadlines say nothing', () => {
    const { clock, open, begun, said, make } = rig()
    const watch = make({ timeout: 200 })
    while (open.length === 0) clock.advance(10)
    // Time passes without timers: the loop is blocked.
    const now = clock.now()
    clock.now = () => now + 2000
    clock.advance(200)
    expect(said).toEqual([])
    clock.advance(1)
    expect(begun).toHaveLength(2)
    watch.close()
  })

  test('no more at once than there are slots; who waits in vain leaves the queue', () => {
    const slots = new Slots(2)
    const { clock, open, begun, make, answer } = rig(slots)
    const watches = Array.from({ length: 4 }, () => make({ timeout: 60_000 }))
    clock.advance(5000)
    expect(begun).toHaveLength(2)
    watches[2]?.close()
    answer('ok', '')
    expect(begun).toHaveLength(3)
    for (const watch of watches) watch.close()
    expect(open).toEqual([])
    expect(clock.timers).toBe(0)
    let free = 0
    slots.take(() => free++)
    slots.take(() => free++)
    slots.take(() => free++)
    expect(free).toBe(2)
  })

  test('other options: what is known stays, the check under way is dropped', () => {
    const { clock, open, said, make, answer } = rig()
    const watch = make()
    while (open.length === 0) clock.advance(10)
    answer('refused', '')
    expect(watch.healthy).toBe(false)
    while (open.length === 0) clock.advance(10)
    watch.update(request({ interval: 1000, healthyAfter: 1 }))
    expect(open).toEqual([])
    expect(watch.healthy).toBe(false)
    clock.advance(1000)
    answer('ok', '')
    expect(said).toEqual(['refused', 'down refused  1/2', 'ok', 'up'])
    watch.close()
  })
})
