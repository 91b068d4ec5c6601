import { beforeEach, describe, expect, test } from 'vitest'
import { LogLevel } from '../../../../src/control/operations/log-level.ts'
import { BadCommand } from '../../../../src/core/command.ts'
import { createLog, type LeveledLog } from '../../../../src/lib/log.ts'
import { ManualClock } from '../../../kit/clock.ts'

let clock: ManualClock
let log: LeveledLog
let level: LogLevel

beforeEach(() => {
  clock = new ManualClock(0)
  log = createLog(() => {}, clock)
  level = new LogLevel(log, clock, 'info')
})

describe('the level of the operational log', () => {
  test('is changed for a time, and then as configured again', () => {
    expect(level.set({ level: 'debug', for: '10m' })).toEqual({
      level: 'debug',
      configured: 'info',
      until: '2026-01-01T00:10:00.000Z',
    })
    clock.advance(599_999)
    expect(log.level).toBe('debug')
    clock.advance(1)
    expect([log.level, level.facts.until]).toEqual(['info', undefined])
  })

  test('without a time until another config is live', () => {
    level.set({ level: 'error' })
    expect([log.level, clock.timers]).toEqual(['error', 0])
    level.configure('warn')
    expect(level.facts).toEqual({ level: 'warn', configured: 'warn', until: undefined })
  })

  test('a config that comes meanwhile holds after the time', () => {
    level.set({ level: 'debug', for: '10m' })
    level.configure('error')
    expect(log.level).toBe('debug')
    clock.advance(600_000)
    expect(log.level).toBe('error')
  })

  test('the latest command counts, and leaves no timer of the one before', () => {
    level.set({ level: 'debug', for: '10m' })
    level.set({ level: 'error' })
    clock.advance(600_000)
    expect(log.level).toBe('error')
    level.set({ level: 'debug', for: '1s' })
    level.close()
    expect(clock.timers).toBe(0)
  })

  test.each([{}, { level: 'trace' }, { level: 'info', for: '2' }, { level: 'info', for: '0s' }, null, 'debug'])(
    'refuses %j',
    (body) => expect(() => level.set(body)).toThrow(BadCommand),
  )
})
