import { CST, Lexer, LineCounter } from 'yaml'
import type { Position } from '../../schema/node.ts'

/** A comment for Sluice. */
export interface Comment {
  readonly at: Position
  /** Behind `# sluice-ignore`, trimmed. */
  readonly text: string
  /** The line that it is about: its own if something stands before it, else the next one that is not a comment. */
  readonly line: number
}

const WORD = 'sluice-ignore'
const IGNORE = /^#+\s*sluice-ignore(?![\w-])(.*)$/

/** Every `# sluice-ignore` comment. Inside quotes and blocks of text there are none. */
export function readComments(file: string, text: string): readonly Comment[] {
  if (!text.includes(WORD)) return []
  const counter = new LineCounter()
  counter.lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const lines = text.split('\n')
  const next = nextLines(lines)
  const comments: Comment[] = []
  for (const { source, offset } of tokens(text)) {
    const said = IGNORE.exec(source.trimEnd())?.[1]
    if (said === undefined) continue
    const { line, col } = counter.linePos(offset)
    const isAlone = (lines[line - 1] as string).slice(0, col - 1).trim() === ''
    comments.push({
      at: { file, line, column: col },
      text: said.trim(),
      line: isAlone ? (next[line] as number) : line,
    })
  }
  return comments
}

/** The comments' tokens with their offsets. */
function* tokens(text: string): Generator<{ source: string; offset: number }> {
  let offset = 0
  let isScalar = false
  for (const source of new Lexer().lex(text)) {
    // These stand for no characters of the text, unless they are a scalar's.
    if (!isScalar && (source === CST.SCALAR || source === CST.DOCUMENT || source === CST.FLOW_END)) {
      isScalar = source === CST.SCALAR
      continue
    }
    if (!isScalar && source.startsWith('#')) yield { source, offset }
    isScalar = false
    offset += source.length
  }
}

/** By line: the next one that is no comment; from the last one on, so that a thousand of them are not walked a thousand times. */
function nextLines(lines: readonly string[]): readonly number[] {
  const next = Array.from({ length: lines.length + 1 }, (_, i) => i + 1)
  for (let line = lines.length - 1; line >= 0; line--)
    if (lines[line]?.trimStart().startsWith('#') === true) next[line] = next[line + 1] as number
  return next
}
