import { byteString } from './percent.ts'
import { RegexError } from './regex-error.ts'

/** A pattern as a tree. */
export type RegexNode =
  | { readonly kind: 'bytes'; readonly set: Uint32Array }
  | { readonly kind: 'sequence'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'alternatives'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly node: RegexNode; readonly min: number; readonly max: number }

const MAX_REPEAT = 500
const MAX_DEPTH = 100
const SPECIAL = '\\^$.|?*+()[]{}/-'

/** Throws {@link RegexError} for anything that is not in the supported, linear-time part of ECMAScript's syntax. */
export function parseRegex(source: string): RegexNode {
  const parser = new Parser(byteString(source))
  const node = parser.alternatives(0)
  if (!parser.done) throw new RegexError('unbalanced ")"')
  return node
}

class Parser {
  private readonly source: string
  private at: number
  private readonly end: number

  /** The whole text must match anyway, so an outermost `^` and `$` are dropped. */
  constructor(source: string) {
    this.source = source
    this.at = source.startsWith('^') ? 1 : 0
    this.end = source.endsWith('$') && !/(^|[^\\])(\\\\)*\\\$$/.test(source) ? source.length - 1 : source.length
  }

  get done(): boolean {
    return this.at >= this.end
  }

  private get char(): string {
    return this.done ? '' : (this.source[this.at] as string)
  }

  private take(text: string): boolean {
    if (this.at + text.length > this.end || !this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  alternatives(depth: number): RegexNode {
    if (depth > MAX_DEPTH) throw new RegexError(`groups are nested deeper than ${MAX_DEPTH}`)
    const nodes = [this.sequence(depth)]
    while (this.take('|')) nodes.push(this.sequence(depth))
    return nodes.length === 1 ? (nodes[0] as RegexNode) : { kind: 'alternatives', nodes }
  }

  private sequence(depth: number): RegexNode {
    const nodes: RegexNode[] = []
    while (!this.done && this.char !== '|' && this.char !== ')') nodes.push(this.repeated(this.atom(depth)))
    return { kind: 'sequence', nodes }
  }

  private repeated(node: RegexNode): RegexNode {
    const bounds = this.bounds()
    if (bounds === undefined) return node
    this.take('?')
    if ('*+?{'.includes(this.char) && !this.done) throw new RegexError(`nothing to repeat before "${this.char}"`)
    return { kind: 'repeat', node, ...bounds }
  }

  private bounds(): { min: number; max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.take('?')) return { min: 0, max: 1 }
    if (!this.take('{')) return undefined
    const min = this.number()
    let max = min
    if (this.take(',')) max = this.char === '}' ? Number.POSITIVE_INFINITY : this.number()
    if (!this.take('}') || max < min) throw new RegexError('a repetition must read {n}, {n,} or {n,m}')
    return { min, max }
  }

  private number(): number {
    let digits = ''
    while (this.char >= '0' && this.char <= '9') digits += this.source[this.at++]
    if (digits === '') throw new RegexError('a repetition must read {n}, {n,} or {n,m}')
    if (Number(digits) > MAX_REPEAT) throw new RegexError(`repeats more than ${MAX_REPEAT} times`)
    return Number(digits)
  }

  private atom(depth: number): RegexNode {
    if (this.take('(')) {
      if (!this.take('?:') && this.char === '?') {
        throw new RegexError('look-around and named groups are not supported; use ( ) or (?: )')
      }
      const node = this.alternatives(depth + 1)
      if (!this.take(')')) throw new RegexError('unbalanced "("')
      return node
    }
    if (this.take('[')) return { kind: 'bytes', set: this.bracket() }
    if (this.take('.')) return { kind: 'bytes', set: inverted(new Uint32Array(8)) }
    if (this.take('\\')) return { kind: 'bytes', set: this.escape() }
    const { char } = this
    if ('*+?{'.includes(char)) throw new RegexError(`nothing to repeat before "${char}"`)
    if ('^$'.includes(char))
      throw new RegexError(`"${char}" can only stand at the outer end: the whole text must match`)
    this.at++
    return { kind: 'bytes', set: single(char) }
  }

  private escape(): Uint32Array {
    const { char } = this
    if (char === '') throw new RegexError('ends with a backslash')
    this.at++
    const known = classOf(char)
    if (known !== undefined) return known
    if (!SPECIAL.includes(char)) throw new RegexError(`the escape "\\${char}" is not supported`)
    return single(char)
  }

  private bracket(): Uint32Array {
    const negated = this.take('^')
    const set = new Uint32Array(8)
    while (!this.take(']')) {
      if (this.done) throw new RegexError('unbalanced "["')
      this.member(set)
    }
    return negated ? inverted(set) : set
  }

  private member(set: Uint32Array): void {
    const from = this.char
    this.at++
    if (from === '\\') {
      const escaped = this.escape()
      for (let i = 0; i < 8; i++) set[i] = (set[i] as number) | (escaped[i] as number)
      return
    }
    let to = from
    if (this.char === '-' && this.source[this.at + 1] !== ']') {
      this.at++
      to = this.char
      this.at++
      if (to === '\\' || to < from) throw new RegexError(`the range "${from}-${to}" is not supported`)
    }
    addRange(set, from, to)
  }
}

function addRange(set: Uint32Array, from: string, to: string): void {
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) {
    set[code >> 5] = (set[code >> 5] as number) | (1 << (code & 31))
  }
}

function single(char: string): Uint32Array {
  const set = new Uint32Array(8)
  addRange(set, char, char)
  return set
}

function inverted(set: Uint32Array): Uint32Array {
  return set.map((word) => ~word)
}

/** `\d \w \s` and their opposites. */
function classOf(letter: string): Uint32Array | undefined {
  const lower = letter.toLowerCase()
  if (lower !== 'd' && lower !== 'w' && lower !== 's') return undefined
  const set = new Uint32Array(8)
  if (lower === 's') addRange(set, '\t', '\r')
  if (lower === 's') addRange(set, ' ', ' ')
  if (lower !== 's') addRange(set, '0', '9')
  if (lower === 'w') for (const range of ['az', 'AZ', '__']) addRange(set, range[0] as string, range[1] as string)
  return letter === lower ? set : inverted(set)
}
