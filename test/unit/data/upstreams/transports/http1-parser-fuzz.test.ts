import { expect, test } from 'vitest'
import { ANSWERS, fuzzAnswers } from '../../../../fuzz/answers.ts'
import { parse } from '../../../../kit/http1-answers.ts'

test("however an answer is cut, good or bad, the events are the same, and what is accepted node:http's client accepts", async () => {
  const { cases, counts, differences } = await fuzzAnswers({ cases: 6_000, seed: 20_261_124 })
  expect(differences).toEqual([])
  // The cases are worth something only if many of them end in each way.
  for (const end of ['whole', 'refused', 'not ended']) expect(counts[end], end).toBeGreaterThan(cases / 20)
  expect(counts['as node:http']).toBeGreaterThan(cases / 4)
})

test.each(ANSWERS)('every place to cut %j once', (input) => {
  const whole = parse(input)
  for (let at = 0; at <= input.length; at++) expect(parse(input, false, [at])).toEqual(whole)
})
