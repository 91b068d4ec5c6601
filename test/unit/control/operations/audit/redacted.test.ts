import { expect, test } from 'vitest'
import { redacted } from '../../../../../src/control/operations/audit/redacted.ts'

test('short facts stay, secrets go by their names', () => {
  expect(redacted({ route: 'orders', to: 'open', for: '10m', deep: [{ n: 1, ok: true, none: null }] })).toEqual({
    route: 'orders',
    to: 'open',
    for: '10m',
    deep: [{ n: 1, ok: true, none: null }],
  })
  const secrets = { token: 'a', ApiKey: 'b', 'x-api-key': 'c', clientSecret: { a: 'd' }, Authorization: ['e'] }
  expect(new Set(Object.values(redacted(secrets) as object))).toEqual(new Set(['***']))
})

test('of a config only size and hash are kept, however it is written', () => {
  const digest = { bytes: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }
  expect(redacted({ yaml: 'a: 1' })).toEqual({ yaml: digest })
  expect(redacted({ text: 'a\nb' })).toEqual({ text: digest })
  expect(redacted({ text: 'x'.repeat(201) })).toEqual({ text: digest })
})

test('it is bounded, whatever was sent', () => {
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 'v']))
  const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown
  for (const body of [wide, deep, { a: wide }, [wide, wide], 'x'.repeat(1e6), null, 7])
    expect(JSON.stringify(redacted(body)).length).toBeLessThan(3000)
})
