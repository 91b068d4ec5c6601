import { expect, test } from 'vitest'
import { createLog, LEVELS } from '../../../src/lib/log.ts'
import { ManualClock } from '../../kit/clock.ts'

test('one JSON object a line, with level and time; fields cannot hide them', () => {
  const lines: string[] = []
  const log = createLog((line) => lines.push(line), new ManualClock(1500))
  log.info('started', { port: 8080 })
  log.warn('odd\nname', { level: 'none', message: 'hidden', big: 10n })
  log.error('failed', { error: new Error('why') })
  expect(lines.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
  const [started, odd, failed] = lines.map((line) => JSON.parse(line))
  expect(started).toEqual({ time: '2026-01-01T00:00:01.500Z', level: 'info', message: 'started', port: 8080 })
  expect(odd).toMatchObject({ level: 'warn', message: 'odd\nname', big: '10' })
  expect(failed.error).toMatch(/^Error: why\n/)
})

test('lines below the level are left out', () => {
  const lines: string[] = []
  const log = createLog((line) => lines.push(line), new ManualClock(1500))
  const all = (): string[] => {
    for (const level of LEVELS) log[level]('x')
    return lines.splice(0).map((line) => JSON.parse(line).level)
  }
  expect(all()).toEqual(['info', 'warn', 'error'])
  log.level = 'debug'
  expect(all()).toEqual([...LEVELS])
  log.level = 'error'
  expect(all()).toEqual(['error'])
})
