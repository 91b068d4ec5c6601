import { describe, expect, test } from 'vitest'
import { isCredential, mayHoldSecret } from '../../../src/lib/secret-names.ts'

const CREDENTIALS = [
  'authorization',
  'Proxy-Authorization',
  'x-api-key',
  'apikey',
  'ApiKey',
  'api_key',
  'x-auth-key',
  'private-key',
  'token',
  'X-Auth-Token',
  'client_secret',
  'password',
  'passwd',
]

test.each(CREDENTIALS)('%s names a credential', (name) => {
  expect([isCredential(name), mayHoldSecret(name)]).toEqual([true, true])
})

describe('names that only tend to', () => {
  test.each([
    'cookie',
    'set-cookie',
    'clientSecret',
    'x-token-type',
    'session',
    'x-signature',
    'db_passw',
    'key',
    'x-key',
  ])('%s is hidden, and nobody is told off for it', (name) => {
    expect([isCredential(name), mayHoldSecret(name)]).toEqual([false, true])
  })
})

test.each(['accept', 'x-tenant', 'route', 'page', 'keyboard', 'monkey', 'x-request-id'])(
  '%s names no secret',
  (name) => {
    expect([isCredential(name), mayHoldSecret(name)]).toEqual([false, false])
  },
)
