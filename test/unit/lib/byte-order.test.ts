import { expect, test } from 'vitest'
import { byBytes } from '../../../src/lib/byte-order.ts'
import { seededRandom } from '../../../src/lib/random.ts'

test('texts are ordered as their bytes in UTF-8 are', () => {
  const random = seededRandom(7)
  const parts = ['', '\0', 'a', 'b', 'é', 'ключ', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}', '\u{10ffff}']
  const some = (): string => Array.from({ length: 4 }, () => parts[Math.floor(random.float() * parts.length)]).join('')
  for (let i = 0; i < 5000; i++) {
    const [a, b] = [some(), some()]
    const expected = Buffer.compare(Buffer.from(a), Buffer.from(b))
    expect(Math.sign(byBytes(a, b)), JSON.stringify([a, b])).toBe(expected)
  }
})
