import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { BodyStage, Policy } from '../../core/policy.ts'
import type { StateSlot } from '../../core/state-slot.ts'
import { preferredFormat } from '../../http/accept.ts'
import { fieldValue, removeFields } from '../../lib/headers.ts'
import { type CompiledPage, type ErrorPages, isGrpc, written } from './pages.ts'

/** What the upstream says of a body that no client gets. */
const OF_BODY: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
])

/** How templates name it. */
const ERROR: Failure = failure('upstream_error', 'headers', 'upstream')

/**
 * Puts pages in the place of answers of upstreams. `mine`: the page of an answer. `taken`: exchanges whose answer has a page
 * already, of the route, so that it gets none of all routes.
 */
export function intercepting(
  pages: ErrorPages,
  mine: StateSlot<CompiledPage>,
  taken: WeakSet<Exchange>,
): Pick<Policy, 'respond' | 'responseBody'> {
  return {
    responseBody(ex) {
      if (!isOfUpstream(ex)) return undefined
      const { status } = ex.attempt as NonNullable<Exchange['attempt']>
      if (status < 400 || taken.has(ex) || isGrpc(ex)) return undefined
      const page = pages.find(status, preferredFormat(fieldValue(ex.headers, 'accept')))
      if (page === undefined) return undefined
      taken.add(ex)
      mine.set(ex, page)
      return new Replacement(page, ex)
    },
    respond(ex) {
      const page = mine.of(ex)
      if (page === undefined || ex.response === undefined || !isOfUpstream(ex)) return
      removeFields(ex.response.headers, OF_BODY)
      // The upstream may let caches keep it, and other clients get another format.
      ex.response.headers.push('content-type', page.type, 'vary', 'accept')
    },
  }
}

/** Not one of ours, nor of a fallback. */
function isOfUpstream({ attempt, degraded, failure }: Exchange): boolean {
  return attempt !== undefined && failure === undefined && degraded === undefined
}

/** Drops a body; at its end comes the page. */
class Replacement implements BodyStage {
  readonly changesLength = true
  private readonly page: CompiledPage
  private readonly ex: Exchange

  constructor(page: CompiledPage, ex: Exchange) {
    this.page = page
    this.ex = ex
  }

  push(): undefined {}

  end(): Buffer {
    return written(this.page, this.ex, ERROR).body
  }
}
