import { expect, test } from 'vitest'
import { headers } from '../../../../src/features/headers/feature.ts'
import { isOwnField } from '../../../../src/http/fields.ts'
import { featureContext } from '../../../kit/feature.ts'
import { routed } from '../../../kit/policy.ts'

const SENT = ['X-Debug', '1', 'Accept', 'a', 'x-debug', '2', 'accept', 'b', 'X-Team', 'blue']

test('request fields are removed, replaced in every line, and added beside others', () => {
  const ex = routed({ headers: SENT, host: '' })
  const policy = headers.compile(
    { request: { set: { Accept: 'c', 'x-new': 'é' }, add: { 'x-team': 'red' }, remove: ['X-DEBUG'] } },
    featureContext(),
  )?.fields
  expect(policy?.admit?.(ex)).toBeUndefined()
  expect(ex.forwardHeaders).toEqual(['X-Team', 'blue', 'Accept', 'c', 'x-new', '\xc3\xa9', 'x-team', 'red'])
  expect(ex.headers).toEqual(SENT)
  expect(policy?.respond).toBeUndefined()
})

test('response fields of any answer', () => {
  const ex = routed({})
  const policy = headers.compile(
    { response: { set: { server: 'x' }, remove: ['X-Powered-By'] } },
    featureContext(),
  )?.fields
  ex.response = { status: 503, headers: ['Server', 'y', 'x-powered-by', 'z', 'content-length', '0', 'SERVER', 'w'] }
  policy?.respond?.(ex)
  expect(ex.response.headers).toEqual(['content-length', '0', 'server', 'x'])
  expect(policy?.admit).toBeUndefined()
})

test('nothing to do costs nothing', () => {
  expect(headers.compile({ request: { remove: [] }, response: {} }, featureContext())?.fields).toBeUndefined()
})

test('framing, hop-by-hop and our own fields are nobody else’s', () => {
  for (const name of ['Connection', 'content-length', 'Transfer-Encoding', 'TE', 'Host', 'Sluice-Request-Id']) {
    expect(isOwnField(name), name).toBe(true)
  }
  for (const name of ['sluice', 'x-sluice-id', 'authorization', 'x-forwarded-for'])
    expect(isOwnField(name), name).toBe(false)
})
