import type { ListenerConfig } from '../../../core/config.ts'
import type { Failure } from '../../../core/failures.ts'
import { isLength } from '../../../http/wire/sendable.ts'
import { hostOf } from '../../../lib/authority.ts'
import { isNamed } from '../../../lib/headers.ts'
import { breach, fieldsTooLarge, type Rule, targetTooLong } from './rules.ts'

/** A request's head as node:http parsed it. */
export interface RawHead {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersionMajor: number
  readonly httpVersionMinor: number
  readonly rawHeaders: string[]
}

const bad = (rule: Rule, detail: string): Failure => breach(rule, 'bad_request', detail)

const VERSION = bad('version', 'Only HTTP/1.0 and HTTP/1.1 are supported.')
const TWO_HOSTS = bad('host', 'There is more than one Host field.')
const NO_HOST = bad('host', 'The Host field is missing or empty.')
const BAD_HOST = bad('host', 'The Host field is not a valid host and port.')
const BAD_AUTHORITY = bad('target', 'The host of the request target is not valid.')
const BAD_TARGET = bad('target', 'The request target is neither a path nor an http URL.')
const BAD_STAR = bad('target', 'The target * belongs to OPTIONS.')
const OLD_CODING = bad('transfer_encoding', 'HTTP/1.0 has no Transfer-Encoding.')
const BAD_LENGTH = bad('content_length', 'The Content-Length is not valid.')
const TWO_LENGTHS = bad('content_length', 'There is more than one Content-Length.')
const LENGTH_AND_CODING = bad('content_length', 'There are both Content-Length and Transfer-Encoding.')
const CODED_CHUNKS = bad('transfer_encoding', 'The coding chunked is not the last one, or there twice.')
const CODING = breach('transfer_encoding', 'not_implemented', 'No transfer coding but chunked is supported.')
const EXPECTATION = breach('expectation', 'expectation_failed', 'No expectation but 100-continue is supported.')

/**
 * Judges a head in one pass over its flat fields, for what node:http accepts and a gateway must not (RFC 9112, sections 3
 * and 6; what the strict parser refuses by itself never gets here). The fields of the guard hold the facts of the last
 * head; one instance belongs to one listener. Two fields of the same meaning are never reconciled, always refused.
 */
export class HeadGuard {
  target = ''
  host = ''
  authority = ''
  protocol: 'HTTP/1.0' | 'HTTP/1.1' = 'HTTP/1.1'
  /** Bytes; 0: no body, -1: chunked. */
  contentLength = 0
  /** The client expects the connection to stay open after the answer. */
  persistent = true
  /** The client waits for `100 Continue` before it sends its body. */
  expects = false
  /** There is an Upgrade, valid or not: node:http's parser behaves differently then, see `NodeConnection.onOffer`. */
  offersUpgrade = false
  /** What is offered, see `Downstream.upgrade`. */
  upgrade: string | undefined = undefined
  /** Bytes of the head where each field has one space before its value, as clients write it. */
  headBytes = 0

  private closes = false
  /** `Connection` names Upgrade. */
  private namesUpgrade = false
  /** The latest host that was valid, as it was written, and its canonical form: clients ask for few hosts. */
  private knownAuthority = ''
  private knownHost = ''
  private readonly limits: ListenerConfig['limits']
  private readonly tooMany: Failure

  constructor(limits: ListenerConfig['limits']) {
    const { headerCount } = limits
    this.limits = limits
    this.tooMany = breach(
      'header_count',
      'headers_too_large',
      `There are more fields than limits.headerCount (${headerCount}).`,
    )
  }

  /** Undefined: acceptable. Changes `rawHeaders` where Host comes from the target. */
  judge(head: RawHead): Failure | undefined {
    const { rawHeaders } = head
    const old = head.httpVersionMinor === 0
    const url = head.url as string
    this.target = url
    this.host = ''
    this.authority = ''
    this.protocol = old ? 'HTTP/1.0' : 'HTTP/1.1'
    this.contentLength = 0
    this.expects = false
    this.persistent = !old
    this.closes = false
    this.offersUpgrade = false
    this.upgrade = undefined
    this.namesUpgrade = false
    if (head.httpVersionMajor !== 1 || head.httpVersionMinor > 1) {
      this.contentLength = -1
      return VERSION
    }

    let bytes = 0
    let host = -1
    let hosts = 0
    let upgrade = ''
    let coding = -1
    let lengths = 0
    let refusal: Failure | undefined
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string
      const value = rawHeaders[i + 1] as string
      bytes += name.length + value.length + 4
      switch (name.length) {
        case 4:
          if (isNamed(name, 'host')) {
            host = i + 1
            hosts++
          }
          break
        case 6:
          if (isNamed(name, 'expect')) {
            if (value.toLowerCase() !== '100-continue') refusal ??= EXPECTATION
            else if (!old) this.expects = true
          }
          break
        case 7:
          if (isNamed(name, 'upgrade')) upgrade = upgrade === '' ? value : `${upgrade},${value}`
          break
        case 10:
          if (isNamed(name, 'connection')) this.judgeConnection(old, value.toLowerCase())
          break
        case 14:
          if (isNamed(name, 'content-length')) {
            if (lengths++ > 0) refusal ??= TWO_LENGTHS
            else if (!isLength(value)) refusal ??= BAD_LENGTH
            else if (coding === -1) this.contentLength = Number(value)
          }
          break
        case 17:
          if (isNamed(name, 'transfer-encoding')) {
            if (old) refusal ??= OLD_CODING
            else if (coding !== -1) refusal ??= CODED_CHUNKS
            else if (value.toLowerCase() !== 'chunked') refusal ??= codingProblem(value)
            coding = i + 1
            this.contentLength = -1
          }
      }
    }
    if (upgrade !== '') {
      this.offersUpgrade = true
      // RFC 9110, section 7.8: without the option in Connection, or with HTTP/1.0, it is to be ignored.
      if (this.namesUpgrade && !old) this.upgrade = upgrade.toLowerCase()
      this.headBytes = (head.method as string).length + url.length + bytes + 14
    }
    if (url.length > this.limits.targetBytes) return targetTooLong(this.limits.targetBytes)
    if (rawHeaders.length > 2 * this.limits.headerCount) return this.tooMany
    if (bytes > this.limits.headerBytes) return fieldsTooLarge(this.limits.headerBytes, rawHeaders)
    if (hosts > 1) return TWO_HOSTS
    if (lengths > 0 && coding !== -1) refusal ??= LENGTH_AND_CODING
    refusal ??= this.judgeHost(old, host === -1 ? '' : (rawHeaders[host] as string))
    return refusal ?? this.judgeTarget(url, head.method as string, rawHeaders, host)
  }

  /** Several of these fields count as one list: `close` wins. */
  private judgeConnection(old: boolean, value: string): void {
    if (value === 'keep-alive' && !old) return
    for (const option of value.split(',')) {
      const name = option.trim()
      if (name === 'close') this.closes = true
      else if (name === 'upgrade') this.namesUpgrade = true
      else if (name === 'keep-alive' && old) this.persistent = true
    }
    if (this.closes) this.persistent = false
  }

  private judgeHost(old: boolean, value: string): Failure | undefined {
    if (value === '') return old ? undefined : NO_HOST
    if (value !== this.knownAuthority) {
      const name = hostOf(value)
      if (name === undefined) return BAD_HOST
      this.knownAuthority = value
      this.knownHost = name
    }
    this.host = this.knownHost
    this.authority = this.knownAuthority
    return undefined
  }

  private judgeTarget(url: string, method: string, rawHeaders: string[], host: number): Failure | undefined {
    const first = url.charCodeAt(0)
    if (first === 47) return undefined
    if (first === 42) return url.length === 1 && method === 'OPTIONS' ? undefined : BAD_STAR
    const start = schemeEnd(url)
    if (start === -1) return BAD_TARGET
    let end = start
    while (end < url.length && !endsAuthority(url.charCodeAt(end))) end++
    const authority = url.slice(start, end)
    const name = hostOf(authority)
    if (name === undefined) return BAD_AUTHORITY
    this.host = name
    this.authority = authority
    // RFC 9112, section 3.2.2: the target's host replaces what Host says.
    if (host !== -1) rawHeaders[host] = authority
    if (end === url.length) this.target = method === 'OPTIONS' ? '*' : '/'
    else this.target = url.charCodeAt(end) === 47 ? url.slice(end) : `/${url.slice(end)}`
    return undefined
  }
}

/** RFC 9112, section 6.3: without chunked at the end the length of a request is unknown, and no such error is only ours. */
function codingProblem(value: string): Failure {
  const codings = value.toLowerCase().split(',')
  codings.pop()
  return codings.some((coding) => coding.trim() === 'chunked') ? CODED_CHUNKS : CODING
}

/**
 * Behind `http://` or `https://` in any case; -1: neither. The scheme is ignored: TLS may have ended in front of this
 * gateway.
 */
function schemeEnd(url: string): number {
  const scheme = url.slice(0, 8).toLowerCase()
  if (scheme === 'https://') return 8
  return scheme.startsWith('http://') ? 7 : -1
}

/** `/`, `?`, `#`. */
function endsAuthority(code: number): boolean {
  return code === 47 || code === 63 || code === 35
}
