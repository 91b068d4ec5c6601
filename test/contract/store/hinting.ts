import { expect, test } from 'vitest'
import { until } from '../../kit/until.ts'
import type { CheckStore } from './harness.ts'

export function hinting(check: CheckStore): void {
  test(
    'a hint reaches all that subscribe to its topic, in order, until they end it',
    check(async (_, open) => {
      const heard: string[] = []
      const end = open.of('').subscribe('purge', (hint) => heard.push(`one ${hint}`))
      open.of('').subscribe('purge', (hint) => heard.push(`two ${hint}`))
      open.of('').subscribe('other', (hint) => heard.push(`other ${hint}`))
      expect(await open.of('').publish('purge', 'a')).toBe(true)
      expect(await open.of('').publish('purge', 'b')).toBe(true)
      await until(() => heard.length === 4)
      expect(heard.filter((line) => line.startsWith('one'))).toEqual(['one a', 'one b'])
      expect(heard.filter((line) => line.startsWith('two'))).toEqual(['two a', 'two b'])
      end()
      end()
      await open.of('').publish('purge', 'c')
      await until(() => heard.includes('two c'))
      expect(heard).not.toContain('one c')
    }),
  )

  test(
    'a subscriber that fails harms no other, and not the publisher',
    check(async (_, open) => {
      const heard: string[] = []
      open.of('').subscribe('purge', () => {
        throw new Error('by a test')
      })
      open.of('').subscribe('purge', (hint) => heard.push(hint))
      expect(await open.of('').publish('purge', 'a')).toBe(true)
      await until(() => heard.length === 1)
    }),
  )

  test(
    'topics are under the prefix of their user',
    check(async (_, open) => {
      const heard: string[] = []
      open.of('one').subscribe('purge', (hint) => heard.push(hint))
      await open.of('two').publish('purge', 'no')
      await open.of('one').publish('purge', 'yes')
      await until(() => heard.length > 0)
      expect(heard).toEqual(['yes'])
    }),
  )
}
