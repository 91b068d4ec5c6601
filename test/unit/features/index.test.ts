import { expect, test } from 'vitest'
import { compilePolicies, POLICIES } from '../../../src/features/index.ts'
import { policyContext } from '../../kit/policy.ts'

test('policies stand in stage order, each with its reason and a name of its own', () => {
  const stages = POLICIES.map(({ stage }) => stage)
  expect(stages).toEqual([...stages].sort((a, b) => a - b))
  expect(new Set(POLICIES.map(({ name }) => name)).size).toBe(POLICIES.length)
  for (const { why } of POLICIES) expect(why).toMatch(/^[A-Z].*\.$/)
})

test('a route gets what it has options for, whatever their order, each in a slot of its own', () => {
  const compiled = compilePolicies(
    { respond: { status: 200 }, headers: { request: {} }, rewrite: { stripPrefix: '/a' } },
    policyContext(),
  )
  expect(compiled.map(({ name, slot }) => [name, slot])).toEqual([
    ['rewrite', 0],
    ['respond', 1],
  ])
})

test('an unknown policy is an error', () => {
  expect(() => compilePolicies({ respond: { status: 200 }, breaker: {} }, policyContext())).toThrow('breaker')
})
