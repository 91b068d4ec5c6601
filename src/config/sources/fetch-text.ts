import type { Dispatcher } from 'undici'
import type { Clock } from '../../lib/clock.ts'
import { dropStream } from '../../lib/drop-stream.ts'
import { retryAfterMs } from '../../lib/retry-after.ts'

/** Why a source could not be read: labels of a metric, and words of the status. */
export const FETCH_FAILURES = [
  'unreachable',
  'tls',
  'timeout',
  'status',
  'redirected',
  'too_large',
  'truncated',
  'not_a_config',
  'signature',
  'credentials',
  'held_back',
] as const
export type FetchReason = (typeof FETCH_FAILURES)[number]

/** A text could not be had. The message is for operators. */
export class FetchFailure extends Error {
  readonly reason: FetchReason
  /** The wait that the server asks for; undefined: none. */
  readonly retryAfterMs: number | undefined

  constructor(reason: FetchReason, message: string, retryAfterMs?: number) {
    super(message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** A text of a server and what it is known by; undefined: it is the one that the validators name. */
export interface FetchedText {
  readonly bytes: Buffer
  readonly contentType: string | undefined
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

export interface FetchOptions {
  /** Lower-case names. Sent to the origin of the URL only. */
  readonly headers: Readonly<Record<string, string>>
  /** PEM; undefined: the authorities that Node trusts. */
  readonly ca: string | undefined
  readonly mostBytes: number
  /** Milliseconds for all of it, redirects included. */
  readonly timeout: number
  readonly clock: Clock
  readonly stop: AbortSignal
}

const MOST_REDIRECTS = 3

/**
 * GET of a text, whatever the server does: bounded in time and bytes, with redirects within the origin only. Rejects with
 * {@link FetchFailure}. Leaves no connection: it is asked seldom.
 */
export async function fetchText(url: URL, options: FetchOptions): Promise<FetchedText | undefined> {
  const { ca, clock, stop, timeout } = options
  // Not before it is needed: most gateways read files.
  const { Agent } = await import('undici')
  const agent = new Agent({
    connect: { timeout, ...(ca !== undefined && { ca }) },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
  const late = new AbortController()
  const timer = clock.after(timeout, () =>
    late.abort(new FetchFailure('timeout', `no whole answer within ${timeout / 1000} s`)),
  )
  try {
    return await followed(url, options, agent, AbortSignal.any([late.signal, stop]))
  } catch (error) {
    throw failureOf(error)
  } finally {
    clock.cancel(timer)
    void agent.destroy()
  }
}

async function followed(
  url: URL,
  options: FetchOptions,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<FetchedText | undefined> {
  const { request } = await import('undici')
  // A length that is not encoded is one that can be checked, and nothing is ever inflated.
  const headers = { 'user-agent': 'sluice', 'accept-encoding': 'identity', ...options.headers }
  let at = url
  for (let i = 0; i <= MOST_REDIRECTS; i++) {
    const answer = await request(at, { headers, dispatcher, signal })
    const location = answer.headers.location
    if (answer.statusCode < 300 || answer.statusCode > 399 || location === undefined) return textOf(answer, options)
    dropStream(answer.body)
    const next = URL.parse(String(location), at)
    if (next === null || next.origin !== url.origin)
      throw new FetchFailure(
        'redirected',
        `it redirects to ${next?.origin ?? 'no URL'}; only its own origin is followed`,
      )
    at = next
  }
  throw new FetchFailure('redirected', `it redirects more than ${MOST_REDIRECTS} times`)
}

async function textOf(answer: Dispatcher.ResponseData, options: FetchOptions): Promise<FetchedText | undefined> {
  const { body, headers, statusCode } = answer
  try {
    if (statusCode === 304) return undefined
    const field = (name: string): string | undefined => headers[name]?.toString()
    if (statusCode !== 200) throw refused(statusCode, field('retry-after') ?? '', options.clock)
    const encoding = field('content-encoding') ?? 'identity'
    if (encoding !== 'identity')
      throw new FetchFailure('not_a_config', `the answer is encoded (${encoding}) although that was not asked for`)
    const length = field('content-length')
    // The end of the connection would be the end of the text, and a part of a config may be a valid one.
    if (length === undefined && field('transfer-encoding')?.toLowerCase() !== 'chunked')
      throw new FetchFailure('truncated', 'the answer has no length, so that a cut would not be seen')
    const bytes = await bodyOf(body, length, options)
    const [etag, lastModified, contentType] = [field('etag'), field('last-modified'), field('content-type')]
    return { bytes, contentType, etag, lastModified }
  } finally {
    dropStream(body)
  }
}

function refused(status: number, after: string, clock: Clock): FetchFailure {
  const wait = retryAfterMs(after, clock.wall())
  if (status === 404 || status === 410) return new FetchFailure('status', `there is nothing (${status})`, wait)
  if (status === 401 || status === 403)
    return new FetchFailure('status', `it refuses the token, or asks for one (${status})`, wait)
  return new FetchFailure('status', `it answered ${status}`, wait)
}

async function bodyOf(
  body: AsyncIterable<Uint8Array>,
  length: string | undefined,
  { mostBytes }: FetchOptions,
): Promise<Buffer> {
  const tooLarge = (): FetchFailure => new FetchFailure('too_large', `it is larger than ${mostBytes} bytes`)
  if (Number(length) > mostBytes) throw tooLarge()
  const parts: Uint8Array[] = []
  let got = 0
  try {
    for await (const part of body) {
      got += part.length
      if (got > mostBytes) throw tooLarge()
      parts.push(part)
    }
  } catch (error) {
    if (error instanceof FetchFailure) throw error
    throw new FetchFailure('truncated', `it ended after ${got} of ${length ?? 'unknown'} bytes`)
  }
  return Buffer.concat(parts)
}

const TLS = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|EPROTO)/
const LATE = /^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/

function failureOf(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  // Of a name with several addresses, none of which answers, there is no message.
  const said = message || code || 'no connection'
  if (TLS.test(code)) return new FetchFailure('tls', `its certificate is not trusted, or it speaks no TLS: ${said}`)
  if (LATE.test(code)) return new FetchFailure('timeout', said)
  return new FetchFailure('unreachable', said)
}
