import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import type { Failure } from '../../../../src/core/failures.ts'
import { FAILURES, failure, type Reason } from '../../../../src/core/failures.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import type { WholeReply } from '../../../../src/core/verdict.ts'
import { Chain } from '../../../../src/data/engine/chain.ts'
import { failureReply } from '../../../../src/data/engine/failure-reply.ts'
import { exchange } from '../../../kit/exchange.ts'

function fields(headers: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) out[headers[i] as string] = headers[i + 1] as string
  return out
}

const bugs: unknown[] = []

function replyTo(failed: Failure, ex: Exchange, gateway: string, policies: readonly Policy[] = []): WholeReply {
  const bug = (error: unknown): void => void bugs.push(error)
  return failureReply(failed, { ex, chain: new Chain(policies), snapshot: { gateway }, bug })
}

describe('answers of our own', () => {
  test.each(Object.keys(FAILURES) as Reason[])('%s is a problem document with Proxy-Status', (reason) => {
    const ex = exchange()
    ex.correlationId = 'corr-7'
    const reply = replyTo(failure(reason, 'headers', 'upstream'), ex, 'edge')
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
        JSON.parse(String(replyTo(failure('upstream_reset', 'headers', 'upstream'), ex, 'g').body)) as {
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
    const reply = replyTo(failure('no_route', 'request', 'client'), exchange(['Accept', accept]), 'g')
    expect(fields(reply.headers)['content-type']).toBe(type)
  })

  test('the page escapes what a client chose', () => {
    const ex = exchange(['accept', 'text/html'])
    ex.correlationId = '<script>alert(1)</script>'
    const body = String(replyTo(failure('no_route', 'request', 'client', '<b>'), ex, 'g').body)
    expect(body).not.toContain('<script>')
    expect(body).not.toContain('<b>')
  })

  test('Retry-After is whole seconds, at least one, and there where a limit refused', () => {
    const after = (reason: Reason, ms?: number): string | undefined =>
      fields(
        replyTo(
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
    const reply = replyTo(failure('no_route', 'request', 'client'), exchange(), 'my "edge"')
    expect(fields(reply.headers)['proxy-status']).toMatch(/^"my \\"edge\\""; error=/)
  })

  test('a page takes the place of the text alone; the inner one goes first, and one that throws is passed over', () => {
    const page = (text: string | undefined): Policy => ({
      name: 'p',
      page: (_ex, { reason }, format) =>
        text === undefined ? undefined : { type: 'text/html', body: Buffer.from(`${text} ${reason} ${format}`) },
    })
    const broken: Policy = {
      name: 'p',
      page: () => {
        throw new Error('no page')
      },
    }
    const policies = [page('outer'), page('inner'), page(undefined), broken]
    const reply = replyTo(failure('pool_full', 'limit', 'sluice'), exchange(['accept', 'text/html']), 'g', policies)
    expect(String(reply.body)).toBe('inner pool_full html')
    expect(reply.status).toBe(503)
    expect(fields(reply.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-length': String(reply.body?.length),
      'proxy-status': 'g; error=connection_limit_reached; details="pool_full"',
      'retry-after': '1',
      'cache-control': 'no-store',
    })
    expect(bugs.splice(0)).toHaveLength(1)
  })
})
