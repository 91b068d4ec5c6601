import { expect, test } from 'vitest'
import { TextBatch } from '../../../src/lib/text-batch.ts'

test('texts come one after another, over the ends of batches, each made once', () => {
  let made = 0
  const batch = new TextBatch(4, (out, at) => {
    const text = String(made++).padStart(4, '0')
    for (let i = 0; i < 4; i++) out[at + i] = text.charCodeAt(i)
  })
  const texts = Array.from({ length: 1_000 }, () => batch.next())
  expect(texts).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n).padStart(4, '0')))
})
