import { describe, expect, test } from 'vitest'
import { FAILURES, failure, type Reason } from '../../../../src/core/failures.ts'
import { failureReply } from '../../../../src/data/engine/failure-reply.ts'
import { exchange } from '../../../kit/exchange.ts'

function fields(headers: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) out[headers[i] as string] = headers[i + 1] as string
  return out
}

describe('answers of our own', () => {
  test.each(Object.keys(FAILURES) as Reason[])('%s is a problem document with Proxy-Status', (reason) => {
    const ex = exchange()
    ex.correlationId = 'corr-7'
    const reply = failureReply(failure(reason, 'headers', 'upstream'), ex, 'edge')
    const headers = fields(reply.headers)
    const body = JSON.parse(String(reply.body)) as Record<string, unknown>
    expect(headers['content-type']).toBe('application/problem+json')
    expect(headers['content-length']).toBe(String(reply.body?.length))
    expect(headers['proxy-status']).toBe(`edge; error=${FAILURES[reason].proxyStatus}; details="${reason}"`)
    expect(reply.status).toBe(FAILURES[reason].status)
    expect(body).toMatchObject({
      status: reply.status,
      reason,
      correlationId: 'corr-7',
      instance: `urn:uuid:${ex.requestId}`,
    })
    expect(String(body.type).endsWith(reason)).toBe(true)
  })

  test('an unsafe method that was sent is not called retryable', () => {
    const retryable = (method: string, attempts: number): unknown => {
      const ex = exchange([], method)
      ex.attempts = attempts
      return (
        JSON.parse(String(failureReply(failure('upstream_reset', 'headers', 'upstream'), ex, 'g').body)) as {
          retryable: boolean
        }
      ).retryable
    }
    expect(retryable('GET', 1)).toBe(true)
    expect(retryable('POST', 1)).toBe(false)
    expect(retryable('POST', 0)).toBe(true)
  })

  test.each([
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['text/plain', 'text/plain; charset=utf-8'],
    ['application/json, text/html', 'application/problem+json'],
    ['*/*', 'application/problem+json'],
    ['image/png', 'application/problem+json'],
  ])('Accept: %s gets %s', (accept, type) => {
    const reply = failureReply(failure('no_route', 'request', 'client'), exchange(['Accept', accept]), 'g')
    expect(fields(reply.headers)['content-type']).toBe(type)
  })

  test('the page escapes what a client chose', () => {
    const ex = exchange(['accept', 'text/html'])
    ex.correlationId = '<script>alert(1)</script>'
    const body = String(failureReply(failure('no_route', 'request', 'client', '<b>'), ex, 'g').body)
    expect(body).not.toContain('<script>')
    expect(body).not.toContain('<b>')
  })

  test('Retry-After is whole seconds, at least one, and there where a limit refused', () => {
    const after = (reason: Reason, ms?: number): string | undefined =>
      fields(
        failureReply(
          { ...failure(reason, 'limit', 'sluice'), ...(ms === undefined ? {} : { retryAfterMs: ms }) },
          exchange(),
          'g',
        ).headers,
      )['retry-after']
    expect(after('rate_limited', 1500)).toBe('2')
    expect(after('rate_limited', 1)).toBe('1')
    expect(after('pool_full')).toBe('1')
    expect(after('no_route')).toBeUndefined()
  })

  test('a gateway name that is no token is quoted', () => {
    const reply = failureReply(failure('no_route', 'request', 'client'), exchange(), 'my "edge"')
    expect(fields(reply.headers)['proxy-status']).toMatch(/^"my \\"edge\\""; error=/)
  })
})
