import { describe, expect, it } from 'vitest'
import { Living } from '../../../../src/data/engine/living.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

const made = (name: number) => ({ name, place: -1 })

describe('living exchanges', () => {
  it('come and go in any order, and only those that left are gone', () => {
    const random = seededRandom(7)
    const living = new Living<ReturnType<typeof made>>()
    const expected = new Set<ReturnType<typeof made>>()
    for (let i = 0; i < 5000; i++) {
      if (expected.size === 0 || random.float() < 0.5) {
        const member = made(i)
        living.add(member)
        expected.add(member)
      } else {
        const member = [...expected][Math.floor(random.float() * expected.size)] as ReturnType<typeof made>
        living.remove(member)
        expected.delete(member)
      }
      expect(living.size).toBe(expected.size)
    }
    expect(new Set(living.all())).toEqual(expected)
    for (const member of expected) living.remove(member)
    expect(living.all()).toEqual([])
  })

  it('may leave while they are read', () => {
    const living = new Living<ReturnType<typeof made>>()
    for (const name of [1, 2, 3, 4]) living.add(made(name))
    const read = living.all().map((member) => {
      living.remove(member)
      return member.name
    })
    expect(read).toEqual([1, 2, 3, 4])
    expect(living.size).toBe(0)
  })
})
