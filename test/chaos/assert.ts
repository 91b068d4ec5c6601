import { describe, expect, test } from 'vitest'
import type { Chaos } from './catalogue.ts'

/** Runs each in short, and asserts what can be counted. */
export function describeChaos(list: readonly Chaos[]): void {
  describe('a failure scenario, in short', () => {
    test.each(list.map((chaos) => [chaos.about.name, chaos] as const))(
      '%s ends as docs/failure-modes.md says, in all that can be counted',
      async (_name, { run }) => {
        const counted = (await run('short', 1)).filter(({ kind }) => kind === 'count')
        expect(counted.length).toBeGreaterThan(1)
        expect(counted.filter(({ ok }) => !ok)).toEqual([])
      },
      90_000,
    )
  })
}
