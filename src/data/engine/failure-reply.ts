import type { ErrorPage, PageFormat } from '../../core/error-page.ts'
import type { Exchange } from '../../core/exchange.ts'
import { detailOf, FAILURES, type Failure } from '../../core/failures.ts'
import type { WholeReply } from '../../core/verdict.ts'
import { preferredFormat } from '../../http/accept.ts'
import { fieldValue } from '../../lib/headers.ts'
import type { Chain } from './chain.ts'

/** Milliseconds after which to repeat a request that a limit refused without saying: the smallest value of Retry-After. */
const FULL_RETRY_MS = 1_000

/** What is answered with a failure. */
export interface Failing {
  readonly ex: Exchange
  readonly chain: Pick<Chain, 'hooks' | 'policies'>
  readonly snapshot: { readonly gateway: string }
  /** Only reported. */
  bug(error: unknown): void
}

/**
 * The one place that turns a failure into an answer: RFC 9457 problem document, RFC 9209 Proxy-Status, Retry-After. HTML or
 * plain text if `Accept` asks for these. Says what went wrong, never where inside or at which address.
 */
export function failureReply(failure: Failure, asked: Failing): WholeReply {
  const { ex, snapshot } = asked
  const row = FAILURES[failure.reason]
  const proxyStatus = failure.proxyStatus ?? row.proxyStatus
  const retryable = row.retryable && !(sentUnsafe(ex) && ex.attempts > 0)
  const format = preferredFormat(fieldValue(ex.headers, 'accept'))
  const { body, type } = ownPage(failure, asked, format) ?? {
    type: CONTENT_TYPE[format],
    body: Buffer.from(
      RENDER[format]({
        type: `urn:sluice:failure:${failure.reason}`,
        title: row.title,
        status: row.status,
        detail: detailOf(failure),
        instance: `urn:uuid:${ex.requestId}`,
        correlationId: ex.correlationId,
        reason: failure.reason,
        retryable,
      }),
    ),
  }
  const headers = [
    'content-type',
    type,
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
    'proxy-status',
    `${token(snapshot.gateway)}; error=${proxyStatus}; details="${failure.reason}"`,
  ]
  const again = failure.retryAfterMs ?? (row.proxyStatus === 'connection_limit_reached' ? FULL_RETRY_MS : undefined)
  if (again !== undefined) headers.push('retry-after', String(Math.max(1, Math.ceil(again / 1000))))
  if (failure.headers !== undefined) headers.push(...failure.headers)
  return { status: row.status, headers, body }
}

function ownPage(failure: Failure, asked: Failing, format: PageFormat): ErrorPage | undefined {
  const { ex } = asked
  const { hooks, policies } = asked.chain
  for (let i = hooks.page.length - 1; i >= 0; i--) {
    try {
      const page = policies[hooks.page[i] as number]?.page?.(ex, failure, format)
      if (page !== undefined) return page
    } catch (error) {
      asked.bug(error)
    }
  }
  return undefined
}

interface Problem {
  readonly type: string
  readonly instance: string
  readonly retryable: boolean
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly correlationId: string
  readonly reason: string
}

const CONTENT_TYPE: Record<PageFormat, string> = {
  json: 'application/problem+json',
  html: 'text/html; charset=utf-8',
  text: 'text/plain; charset=utf-8',
}

const RENDER: Record<PageFormat, (problem: Problem) => string> = {
  json: (problem) => JSON.stringify(problem),
  html: (problem) => {
    const title = `${problem.status} ${escapeHtml(problem.title)}`
    return (
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>` +
      `<p>${escapeHtml(problem.detail)}</p><p>Reason: <code>${problem.reason}</code><br>` +
      `Correlation ID: <code>${escapeHtml(problem.correlationId)}</code></p>\n`
    )
  },
  text: (problem) =>
    `${problem.status} ${problem.title}\n${problem.detail}\nreason: ${problem.reason}\ncorrelation id: ${problem.correlationId}\n`,
}

/** Whether repeating the method may have an effect twice (RFC 9110, section 9.2.2). */
function sentUnsafe(ex: Exchange): boolean {
  const method = ex.method
  return method === 'POST' || method === 'PATCH' || method === 'CONNECT' || method === 'LOCK'
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A structured-field item (RFC 9651): a token where the name is one, else a string. */
export function token(name: string): string {
  return /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`
}
