import { describe, expect, test } from 'vitest'
import { Drain } from '../../../../src/control/operations/drain.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'
import { settle } from '../../../kit/until.ts'

function rig() {
  const clock = new ManualClock()
  const steps: string[] = []
  const idle = Promise.withResolvers<void>()
  const step = (name: string) => (): void => void steps.push(name)
  const drain = new Drain({
    times: () => ({ delay: 5_000, timeout: 20_000 }),
    clock,
    log: memoryLog(),
    polite: step('polite'),
    unlisten: () => {
      steps.push('unlisten')
      return idle.promise
    },
    cut: step('cut'),
    close: async () => void steps.push('close'),
  })
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await settle()
  }
  return { clock, steps, idle, drain, advance }
}

describe('Drain', () => {
  test('SIGTERM: polite at once, listeners open for delay, then what is in flight may finish, then 0', async () => {
    const { steps, idle, drain, advance, clock } = rig()
    const code = drain.signal('sigterm')
    expect([steps, drain.state]).toEqual([['polite'], 'draining'])
    await advance(4_999)
    expect(steps).toEqual(['polite'])
    await advance(1)
    expect([steps, drain.state]).toEqual([['polite', 'unlisten'], 'leaving'])
    await advance(19_999)
    expect(steps).toEqual(['polite', 'unlisten'])
    idle.resolve()
    expect(await code).toBe(0)
    expect([steps, drain.state]).toEqual([['polite', 'unlisten', 'close'], 'done'])
    expect(clock.timers).toBe(0)
  })

  test('what is still in flight after timeout is cut, and it is 0 all the same', async () => {
    const { steps, idle, drain, advance, clock } = rig()
    const code = drain.signal('sigterm')
    await advance(5_000)
    await advance(20_000)
    expect([steps, drain.state]).toEqual([['polite', 'unlisten', 'cut'], 'cut'])
    idle.resolve()
    expect(await code).toBe(0)
    expect(clock.timers).toBe(0)
  })

  test('a worker that never becomes idle does not hold the end up', async () => {
    const { steps, drain, advance } = rig()
    const code = drain.signal('sigint')
    await advance(20_000)
    await advance(1_000)
    expect(await code).toBe(0)
    expect(steps).toEqual(['polite', 'unlisten', 'cut', 'close'])
  })

  test('SIGINT skips the delay', async () => {
    const { steps, drain } = rig()
    void drain.signal('sigint')
    await settle()
    expect(steps).toEqual(['polite', 'unlisten'])
  })

  test('a second signal within a second is an echo, a later one means now', async () => {
    const { drain, advance, idle, steps } = rig()
    const first = drain.signal('sigint')
    await advance(999)
    const echo = drain.signal('sigint')
    await advance(1)
    expect(await drain.signal('sigterm')).toBe(1)
    expect(steps).toEqual(['polite', 'unlisten'])
    idle.resolve()
    expect(await Promise.all([first, echo])).toEqual([0, 0])
  })
})
