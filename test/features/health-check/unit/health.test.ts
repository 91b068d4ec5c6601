import { describe, expect, test } from 'vitest'
import { HealthVerdict } from '../../../../src/features/health-check/health.ts'

const THRESHOLDS = { healthyAfter: 2, unhealthyAfter: 3 }

/** The state after each of these checks: `+` good, `-` failed; upper case where it changed. */
function states(checks: string, thresholds = THRESHOLDS): string {
  const verdict = new HealthVerdict()
  return [...checks]
    .map((check) => {
      const changed = verdict.record(check === '+', thresholds)
      const state = verdict.healthy ? 'h' : 'u'
      return changed ? state.toUpperCase() : state
    })
    .join('')
}

describe('HealthVerdict', () => {
  test.each([
    ['a good start', '+', 'h'],
    ['the first check decides alone', '-', 'U'],
    ['after a good one it takes three in a row to go', '+--+---', 'hhhhhhU'],
    ['and two in a row to come back', '-+-++', 'UuuuH'],
    ['after the first, thresholds hold', '-++--+---', 'UuHhhhhhU'],
    ['back and forth changes nothing', '+-+-+-+-+', 'hhhhhhhhh'],
  ])('%s', (_, checks, expected) => {
    expect(states(checks)).toBe(expected)
  })

  test('thresholds of one follow each check', () => {
    expect(states('+-+-', { healthyAfter: 1, unhealthyAfter: 1 })).toBe('hUHU')
  })

  test('a check that contradicts the state is repeated soon', () => {
    const verdict = new HealthVerdict()
    verdict.record(true, THRESHOLDS)
    expect(verdict.nextAfter(5000, 0.5)).toBe(5000)
    verdict.record(false, THRESHOLDS)
    expect(verdict.nextAfter(5000, 0.5)).toBe(1000)
    expect(verdict.nextAfter(300, 0.5)).toBe(100)
    expect(verdict.nextAfter(90, 0.5)).toBe(90)
    verdict.record(true, THRESHOLDS)
    expect(verdict.nextAfter(5000, 0.5)).toBe(5000)
  })

  test('times spread by ten percent', () => {
    const verdict = new HealthVerdict()
    expect(verdict.nextAfter(1000, 0)).toBe(900)
    expect(verdict.nextAfter(1000, 0.9999)).toBeCloseTo(1100, 0)
  })
})
