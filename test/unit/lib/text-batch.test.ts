import { expect, test } from 'vitest'
import { TextBatch } from '../../../src/lib/text-batch.ts'

test('texts come one after another, over the ends of batches, each made once', () => {
  let made = 0
  const batch = new TextBatch('n-000', (out, at) => {
    const digits = String(made++).padStart(3, '0')
    for (let i = 0; i < 3; i++) out[at + 2 + i] = digits.charCodeAt(i)
  })
  const texts = Array.from({ length: 1_000 }, () => batch.next())
  expect(texts).toEqual(Array.from({ length: 1_000 }, (_, n) => `n-${String(n).padStart(3, '0')}`))
})
