import type { ErrorPage, PageFormat } from '../../core/error-page.ts'
import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Failure } from '../../core/failures.ts'
import { bodyEscape, type CompiledText, compileText, FAILURE_VALUES } from '../../http/template.ts'
import { fieldValue } from '../../lib/headers.ts'
import type { ErrorPagesOptions, PageOptions, PageStatus } from './keys.ts'

const TYPES: Readonly<Record<PageFormat, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
}

/** A page as requests use it. */
export interface CompiledPage {
  readonly type: string
  /** A page that names no value is the same for all. */
  readonly text: Exclude<CompiledText, string> | Buffer
}

type ByStatus = ReadonlyMap<PageStatus, CompiledPage>

/** The pages of a route, or of all. */
export class ErrorPages {
  private readonly formats: Readonly<Record<PageFormat, ByStatus>>

  constructor(options: ErrorPagesOptions) {
    const of = (format: PageFormat): ByStatus =>
      new Map(options.filter((one) => one.format === format).map((one) => [one.status, compiled(one)]))
    this.formats = { html: of('html'), json: of('json'), text: of('text') }
  }

  /** The exact status goes before its class, that before the default. */
  find(status: number, format: PageFormat): CompiledPage | undefined {
    const pages = this.formats[format]
    return pages.get(status) ?? pages.get(status < 500 ? '4xx' : '5xx') ?? pages.get('default')
  }

  of(ex: Exchange, failure: Failure, format: PageFormat): ErrorPage | undefined {
    const page = this.find(FAILURES[failure.reason].status, format)
    return page === undefined ? undefined : written(page, ex, failure)
  }
}

/** gRPC tells failures in trailers. */
export function isGrpc({ headers }: Exchange): boolean {
  return fieldValue(headers, 'content-type')?.startsWith('application/grpc') === true
}

/** For one request. */
export function written({ text, type }: CompiledPage, ex: Exchange, failure: Failure): ErrorPage {
  return { type, body: Buffer.isBuffer(text) ? text : Buffer.from(text(ex, failure)) }
}

function compiled({ format, text }: PageOptions): CompiledPage {
  const type = TYPES[format]
  const write = bodyEscape(type) as (value: string) => string
  const whole = compileText(text, { values: FAILURE_VALUES, paramNames: [], write })
  return { type, text: typeof whole === 'string' ? Buffer.from(whole) : whole }
}
