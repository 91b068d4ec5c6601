import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Failure } from '../../core/failures.ts'
import type { WholeReply } from '../../core/verdict.ts'
import { fieldValue } from '../../lib/headers.ts'

/** Milliseconds after which to repeat a request that a limit refused without saying: the smallest value of Retry-After. */
const FULL_RETRY_MS = 1_000

/**
 * The one place that turns a failure into an answer: RFC 9457 problem document, RFC 9209 Proxy-Status, Retry-After. HTML or
 * plain text if `Accept` asks for these. Says what went wrong, never where inside or at which address.
 */
export function failureReply(failure: Failure, ex: Exchange, gateway: string): WholeReply {
  const row = FAILURES[failure.reason]
  const proxyStatus = failure.proxyStatus ?? row.proxyStatus
  const retryable = row.retryable && !(sentUnsafe(ex) && ex.attempts > 0)
  const format = preferred(fieldValue(ex.headers, 'accept'))
  const document = {
    type: `urn:sluice:failure:${failure.reason}`,
    title: row.title,
    status: row.status,
    detail: failure.detail ?? `${row.title}.`,
    instance: `urn:uuid:${ex.requestId}`,
    correlationId: ex.correlationId,
    reason: failure.reason,
    retryable,
  }
  const body = Buffer.from(RENDER[format](document))
  const headers = [
    'content-type',
    CONTENT_TYPE[format],
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
    'proxy-status',
    `${token(gateway)}; error=${proxyStatus}; details="${failure.reason}"`,
  ]
  const again = failure.retryAfterMs ?? (row.proxyStatus === 'connection_limit_reached' ? FULL_RETRY_MS : undefined)
  if (again !== undefined) headers.push('retry-after', String(Math.max(1, Math.ceil(again / 1000))))
  if (failure.headers !== undefined) headers.push(...failure.headers)
  return { status: row.status, headers, body }
}

interface Problem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly correlationId: string
  readonly reason: string
}

type Format = 'json' | 'html' | 'text'

const CONTENT_TYPE: Record<Format, string> = {
  json: 'application/problem+json',
  html: 'text/html; charset=utf-8',
  text: 'text/plain; charset=utf-8',
}

const RENDER: Record<Format, (problem: Problem) => string> = {
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

/** The one of the three that the client names first; JSON if it names none. */
function preferred(accept: string | undefined): Format {
  if (accept === undefined) return 'json'
  const lower = accept.toLowerCase()
  const json = lower.indexOf('json')
  const html = lower.indexOf('text/html')
  const text = lower.indexOf('text/plain')
  const first = Math.min(...[json, html, text].filter((at) => at !== -1))
  if (first === html && html !== -1) return 'html'
  if (first === text && text !== -1) return 'text'
  return 'json'
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
