import { METHODS } from 'node:http'
import type { FlatHeaders } from '../../src/lib/headers.ts'
import { seededRandom } from '../../src/lib/random.ts'
import type { FuzzOptions, FuzzResult } from './fuzz.ts'
import { KINDS, type Kind, type RequestInput, RequestInputs } from './request-inputs.ts'
import { MemoryTaker, SocketTaker, type Taken, type Taker, type Wire } from './takers.ts'

/** Why our own server may take a request that node:http does not. */
interface Reason {
  readonly why: string
  /** Ours took a request with it. */
  readonly fits: (taken: Taken) => boolean
  /** The input without it: both must take the same of that, or it was no reason. */
  readonly without: (text: string, taken: readonly Taken[]) => string
}

/** All that there is. */
const ALLOWED = {
  method: {
    why: 'node:http refuses methods that it does not know; they are the affair of who answers (RFC 9110, section 9.1)',
    fits: ({ method }) => !METHODS.includes(method),
    without(text, taken) {
      let less = text
      // From the end, so that places stay right.
      for (const [i, at] of [...placesOf(text, taken).entries()].reverse()) {
        const { method } = taken[i] as Taken
        if (METHODS.includes(method)) continue
        less = less.slice(0, at) + knownOf(method.length) + less.slice(at + method.length)
      }
      return less
    },
  },
  upgrade: {
    why: 'node:http drops what it has read behind an offer to upgrade, and closes',
    fits: ({ headers }) => has(headers, 'upgrade'),
    without: (text) => text.replace(/(\n)u(?=pgrade:)/gi, '$1x'),
  },
  proxyConnection: {
    why: 'node:http takes Proxy-Connection for Connection; it is no field of HTTP (RFC 9112, appendix C.2.2)',
    fits: ({ headers }) => has(headers, 'proxy-connection'),
    without: (text) => text.replace(/(\n)p(?=roxy-connection:)/gi, '$1x'),
  },
  expect: {
    why: 'node:http stands still at a body that is pipelined behind a request without one that expects 100 Continue',
    fits: ({ headers }) => has(headers, 'expect'),
    without: (text) => text.replace(/(\n)e(?=xpect:)/gi, '$1x'),
  },
  trailer: {
    why: 'node:http takes fields of framing in trailers for fields of the head; they are ignored (RFC 9110, section 6.5.1)',
    fits: ({ trailers }) => FRAMING.some((name) => has(trailers, name)),
    without: (text) =>
      text.replace(/\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)+/g, (section) =>
        section.replace(/(\n)[a-z](?=(?:ontent-length|ransfer-encoding|onnection|pgrade|roxy-connection):)/gi, '$1x'),
      ),
  },
} as const satisfies Record<string, Reason>

type Allowed = keyof typeof ALLOWED

const REASONS = Object.entries(ALLOWED) as [Allowed, Reason][]
const FRAMING = ['content-length', 'transfer-encoding', 'connection', 'upgrade', 'proxy-connection']
export interface Difference {
  readonly text: string
  readonly cuts: readonly number[]
  readonly own: readonly string[]
  readonly node: readonly string[]
}

export interface DifferentialResult extends FuzzResult {
  readonly counts: Counts
  /** How many inputs were of each kind. */
  readonly kinds: Readonly<Record<Kind, number>>
  readonly differences: readonly Difference[]
}

/** `taken by both`: requests. Of inputs: `stricter`: our own server took less, which is allowed. */
type Counts = Record<'taken by both' | 'stricter' | `allowed: ${Allowed}`, number>

export interface DifferentialOptions extends FuzzOptions {
  /** Over real sockets, many times as slow; default: in memory. */
  readonly sockets?: boolean
}

const AT_ONCE = 64

/** Both servers over the same bytes. */
export async function differential({
  cases,
  progress,
  seed,
  sockets = false,
}: DifferentialOptions): Promise<DifferentialResult> {
  const takers = sockets
    ? ([await SocketTaker.start('own'), await SocketTaker.start('node')] as const)
    : ([new MemoryTaker('own'), new MemoryTaker('node')] as const)
  const judge = new Judge(takers[0], takers[1])
  const inputs = new RequestInputs(seededRandom(seed))
  try {
    for (let done = 0; done < cases; done += AT_ONCE) {
      await judge.judge(Array.from({ length: Math.min(AT_ONCE, cases - done) }, () => inputs.next()))
      progress?.(Math.min(cases, done + AT_ONCE))
    }
  } finally {
    await Promise.all(takers.map((taker) => taker.stop()))
  }
  const { counts, differences, kinds } = judge
  return { cases, counts, differences, kinds }
}

class Judge {
  readonly counts = countsOf<keyof Counts>([
    'taken by both',
    'stricter',
    ...REASONS.map(([name]): keyof Counts => `allowed: ${name}`),
  ])
  readonly kinds = countsOf(KINDS)
  readonly differences: Difference[] = []
  private readonly own: Taker
  private readonly node: Taker

  constructor(own: Taker, node: Taker) {
    this.own = own
    this.node = node
  }

  async judge(inputs: readonly RequestInput[]): Promise<void> {
    const [ours, theirs] = await this.both(inputs)
    for (const [i, input] of inputs.entries()) {
      for (const kind of input.kinds) this.kinds[kind]++
      await this.one(input, ours[i] as Taken[], theirs[i] as Taken[])
    }
  }

  private both(inputs: readonly Wire[], patiently = false): Promise<[Taken[][], Taken[][]]> {
    return Promise.all([this.own.take(inputs, patiently), this.node.take(inputs, patiently)])
  }

  private async one(input: RequestInput, ours: readonly Taken[], theirs: readonly Taken[]): Promise<void> {
    if (await this.accounted(input, ours, theirs)) return
    const [[mine = []], [others = []]] = await this.both([input], true)
    if (await this.accounted(input, mine, others)) return
    const { text, cuts } = input
    this.differences.push({ text, cuts, own: texts(mine), node: texts(others) })
  }

  private async accounted(input: Wire, ours: readonly Taken[], theirs: readonly Taken[]): Promise<boolean> {
    const { counts } = this
    const at = firstDifference(ours, theirs)
    if (at < ours.length) {
      const reason = await this.reasonFor(input, ours, at)
      if (reason === undefined) return false
      counts[`allowed: ${reason}`]++
    } else if (theirs.length > at) counts.stricter++
    counts['taken by both'] += at
    return true
  }

  /** The first that fits: without all that fit, node:http takes what ours takes of the same input. */
  private async reasonFor(input: Wire, ours: readonly Taken[], at: number): Promise<Allowed | undefined> {
    const seen = ours.slice(0, at + 1)
    const first = REASONS.find(([, { fits }]) => seen.some(fits))?.[0]
    if (first === undefined) return undefined
    const text = REASONS.filter(([, { fits }]) => ours.some(fits)).reduce(
      (less, [, { without }]) => without(less, ours),
      input.text,
    )
    const [[mine = []], [others = []]] = await this.both([{ ...input, text }])
    return mine.length >= ours.length && firstDifference(mine, others) === mine.length ? first : undefined
  }
}

function firstDifference(ours: readonly Taken[], theirs: readonly Taken[]): number {
  const at = ours.findIndex(({ text }, i) => text !== theirs[i]?.text)
  return at === -1 ? ours.length : at
}

function countsOf<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>
}

function texts(taken: readonly Taken[]): string[] {
  return taken.map(({ text }) => text)
}

/** Where each of these requests begins: all of them are well-formed, and follow one another. */
function placesOf(text: string, taken: readonly Taken[]): number[] {
  let at = 0
  return taken.map(({ contentLength }) => {
    if (text.startsWith('\r\n', at)) at += 2
    const start = at
    at = text.indexOf('\r\n\r\n', at) + 4
    if (contentLength >= 0) at += contentLength
    else {
      for (let size = -1; size !== 0; ) {
        size = Number.parseInt(text.slice(at, at + 16), 16)
        at = text.indexOf('\r\n', at) + 2 + (size === 0 ? 0 : size + 2)
      }
      // Trailers, if there are some, and an empty line.
      at = text.startsWith('\r\n', at) ? at + 2 : text.indexOf('\r\n\r\n', at) + 4
    }
    return start
  })
}

/** As long, where there is one: then the places of cuts stay the same, too. */
function knownOf(length: number): string {
  return METHODS.find((known) => known.length === length && known !== 'CONNECT') ?? 'GET'
}

function has(headers: FlatHeaders, lower: string): boolean {
  return headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === lower)
}
