import { RegexError } from './regex-error.ts'
import { parseRegex, type RegexNode } from './regex-syntax.ts'

const MAX_POSITIONS = 500
const MAX_PARTS = 5000
const MAX_INPUT = 8192
const MAX_MARK = 0x7fff_ffff
/** More than a pattern of the largest size and `.*` take together. */
const MAX_STEPS = 300_000

/**
 * A regular expression that takes time linear in its input, whatever the pattern: a position automaton (Glushkov, "The
 * abstract theory of automata", 1961) simulated with a set of states. It answers one question: does the whole text match?
 * Texts are byte strings (see lib/percent.ts); text above 8 KiB never matches.
 */
export class LinearRegex {
  /** Bytes that lead into each position: 256 bits. */
  private readonly bytes: Uint32Array[] = []
  private readonly follow: Set<number>[] = []
  private readonly first: readonly number[]
  private readonly next: readonly (readonly number[])[]
  private readonly last: Uint8Array
  private readonly nullable: boolean
  private readonly marks: Uint32Array
  private mark = 0
  private parts = 0

  /** Throws {@link RegexError}. Groups, alternatives, classes, `. * + ? {n,m}` and the escapes of ECMAScript's classes. */
  constructor(source: string) {
    const whole = this.emit(parseRegex(source))
    this.first = whole.first
    this.nullable = whole.nullable
    this.next = this.follow.map((set) => [...set])
    this.last = new Uint8Array(this.bytes.length)
    for (const position of whole.last) this.last[position] = 1
    this.marks = new Uint32Array(this.bytes.length)
  }

  test(text: string): boolean {
    if (text.length === 0) return this.nullable
    if (text.length > MAX_INPUT) return false
    let states: number[] = []
    if (this.mark + text.length > MAX_MARK) {
      this.mark = 0
      this.marks.fill(0)
    }
    this.mark++
    this.enter(this.first, text.charCodeAt(0), states)
    for (let i = 1; i < text.length && states.length > 0; i++) {
      const reached: number[] = []
      this.mark++
      for (const state of states) this.enter(this.next[state] as readonly number[], text.charCodeAt(i), reached)
      states = reached
    }
    return states.some((state) => this.last[state] === 1)
  }

  /**
   * A shortest text that this and `other` both match: its first byte is one of `begin`, the others of `bytes`, earlier ones
   * preferred. Undefined: there is none, or the budget is used up; the default budget always suffices for `.*`.
   */
  meet(
    other: LinearRegex,
    begin: readonly number[],
    bytes: readonly number[],
    budget: Budget = { steps: MAX_STEPS },
  ): string | undefined {
    const reached = new Map<string, Step>()
    const queue: Step[] = []
    const enter = (
      ours: readonly number[],
      theirs: readonly number[],
      allowed: readonly number[],
      from?: Step,
    ): void => {
      for (const mine of ours) {
        for (const its of theirs) {
          const pair = `${mine} ${its}`
          if (--budget.steps < 0 || reached.has(pair)) continue
          const [a, b] = [this.bytes[mine] as Uint32Array, other.bytes[its] as Uint32Array]
          const byte = allowed.find((candidate) => holds(a, candidate) && holds(b, candidate))
          if (byte === undefined) continue
          const step = { mine, its, text: (from?.text ?? '') + String.fromCharCode(byte) }
          reached.set(pair, step)
          queue.push(step)
        }
      }
    }
    enter(this.first, other.first, begin)
    for (const step of queue) {
      if (this.last[step.mine] === 1 && other.last[step.its] === 1) return step.text
      enter(this.next[step.mine] as readonly number[], other.next[step.its] as readonly number[], bytes, step)
    }
    return undefined
  }

  private enter(candidates: readonly number[], byte: number, reached: number[]): void {
    const { marks, mark, bytes } = this
    for (const candidate of candidates) {
      if (marks[candidate] === mark) continue
      marks[candidate] = mark
      const set = bytes[candidate] as Uint32Array
      if (((set[byte >> 5] as number) & (1 << (byte & 31))) !== 0) reached.push(candidate)
    }
  }

  private emit(node: RegexNode): Part {
    // Empty groups make no position, however often they are repeated.
    if (++this.parts > MAX_PARTS) throw new RegexError('too many repetitions within repetitions')
    if (node.kind === 'bytes') return this.position(node.set)
    if (node.kind === 'alternatives') {
      const parts = node.nodes.map((inner) => this.emit(inner))
      return {
        nullable: parts.some((part) => part.nullable),
        first: parts.flatMap((part) => part.first),
        last: parts.flatMap((part) => part.last),
      }
    }
    if (node.kind === 'sequence') return this.sequence(node.nodes)
    const copies: RegexNode[] = new Array(node.min).fill(node.node)
    const required = this.sequence(copies)
    if (node.max === node.min) return required
    if (node.max === Number.POSITIVE_INFINITY) return this.join(required, this.loop(this.emit(node.node)))
    let rest: Part = EMPTY
    // Inside out: x(x(x)?)? keeps the automaton free of shortcuts that would need one edge for each pair of copies.
    for (let i = node.min; i < node.max; i++) rest = { ...this.join(this.emit(node.node), rest), nullable: true }
    return this.join(required, rest)
  }

  private sequence(nodes: readonly RegexNode[]): Part {
    return nodes.reduce((before: Part, node) => this.join(before, this.emit(node)), EMPTY)
  }

  private position(set: Uint32Array): Part {
    if (this.bytes.length === MAX_POSITIONS)
      throw new RegexError(`larger than ${MAX_POSITIONS} characters once expanded`)
    const position = this.bytes.push(set) - 1
    this.follow.push(new Set())
    return { nullable: false, first: [position], last: [position] }
  }

  private link(from: readonly number[], to: readonly number[]): void {
    for (const position of from) for (const other of to) this.follow[position]?.add(other)
  }

  private join(before: Part, after: Part): Part {
    this.link(before.last, after.first)
    return {
      nullable: before.nullable && after.nullable,
      first: before.nullable ? [...before.first, ...after.first] : before.first,
      last: after.nullable ? [...before.last, ...after.last] : after.last,
    }
  }

  private loop(part: Part): Part {
    this.link(part.last, part.first)
    return { ...part, nullable: true }
  }
}

/** Steps that a search may take; each search lowers it. */
export interface Budget {
  steps: number
}

/** A position of each of two patterns, and a text that leads to both. */
interface Step {
  readonly mine: number
  readonly its: number
  readonly text: string
}

function holds(set: Uint32Array, byte: number): boolean {
  return ((set[byte >> 5] as number) & (1 << (byte & 31))) !== 0
}

/** A part of the pattern: whether it matches the empty text, and the positions at which its matches begin and end. */
interface Part {
  readonly nullable: boolean
  readonly first: readonly number[]
  readonly last: readonly number[]
}

const EMPTY: Part = { nullable: true, first: [], last: [] }

/** Why `source` cannot be a {@link LinearRegex}; undefined: it can. */
export function regexProblem(source: string): string | undefined {
  try {
    new LinearRegex(source)
    return undefined
  } catch (error) {
    if (error instanceof RegexError) return error.message
    throw error
  }
}
