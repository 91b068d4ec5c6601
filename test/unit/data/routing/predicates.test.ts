import { describe, expect, test } from 'vitest'
import type { ValueCondition } from '../../../../src/core/config.ts'
import { compilePredicate, headersHold, queryHolds } from '../../../../src/data/routing/predicates.ts'
import { FieldNames } from '../../../../src/lib/headers.ts'
import { parseQuery } from '../../../../src/lib/query.ts'

const names = new FieldNames()

describe('conditions', () => {
  test.each<[ValueCondition['op'], string, readonly string[], readonly string[]]>([
    ['exact', 'a', ['a'], ['A', 'ab', '']],
    ['prefix', 'ab', ['ab', 'abc'], ['a', 'xab']],
    ['suffix', 'ab', ['ab', 'xab'], ['b', 'abc']],
    ['contains', 'ab', ['xabx'], ['axb']],
    ['regex', 'a+|b', ['aaa', 'b'], ['ab', 'xb']],
    ['present', '', ['', 'x'], []],
    ['exact', 'é', ['\xc3\xa9'], ['\xe9']],
  ])('%s %j', (op, value, yes, no) => {
    const predicates = [compilePredicate({ name: 'x-a', op, value })]
    for (const text of yes) expect(headersHold(predicates, ['X-A', text], names), text).toBe(true)
    for (const text of no) expect(headersHold(predicates, ['X-A', text], names), text).toBe(false)
    for (const text of no) expect(queryHolds(predicates, ['x-a', text]), text).toBe(false)
    for (const text of yes) expect(queryHolds(predicates, ['X-A', text]), 'keys have a case').toBe(false)
    expect(headersHold(predicates, [], names)).toBe(false)
  })

  test('one of several lines is enough; absent means none', () => {
    const exact = [compilePredicate({ name: 'a', op: 'exact', value: '2' })]
    const absent = [compilePredicate({ name: 'a', op: 'absent', value: '' })]
    expect(headersHold(exact, ['a', '1', 'A', '2'], names)).toBe(true)
    expect(headersHold(absent, ['b', '1', 'A', ''], names)).toBe(false)
    expect(headersHold(absent, ['b', 'a'], names)).toBe(true)
    expect(headersHold([...exact, ...absent], ['a', '2'], names)).toBe(false)
  })
})

describe('queries', () => {
  test.each([
    ['', []],
    ['?', []],
    ['?a', ['a', '']],
    ['?a=', ['a', '']],
    ['?a=1&b=2', ['a', '1', 'b', '2']],
    ['?&&a=1&', ['a', '1']],
    ['?a=b=c', ['a', 'b=c']],
    ['?=x', ['', 'x']],
    ['?a&b=1', ['a', '', 'b', '1']],
    ['?%61+b=%31+%2B', ['a b', '1 +']],
    ['?a=%zz&b=%', ['a', '%zz', 'b', '%']],
    ['?a=%C3%A9', ['a', '\xc3\xa9']],
    ['?a=1?b', ['a', '1?b']],
  ])('%s', (query, pairs) => {
    expect(parseQuery(query)).toEqual(pairs)
  })
})
