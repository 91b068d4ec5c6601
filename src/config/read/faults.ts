import { type Document, type ErrorCode, isMap, visit } from 'yaml'
import { UNCLOSED } from './syntax.ts'

/** An error of the YAML parser. */
export interface YamlFault {
  readonly code: ErrorCode
  /** The parser's message in one line, without a place. */
  readonly message: string
  /** Where the mistake is, in characters: often before the place where the parser noticed it. */
  readonly offset: number
}

/** The first one; later ones usually follow from it. */
export function firstFault(document: Document.Parsed, text: string): YamlFault | undefined {
  const { errors, warnings } = document
  const first = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION') ?? errors[0] ?? warnings[0]
  if (first === undefined) return undefined
  // A comment after an unclosed bracket is not a mistake, whatever the parser says.
  const isComment = first.message.startsWith('Comments must') && '\n'.includes(text[first.pos[0] - 1] ?? '\n')
  const told = (isComment ? errors.find(({ message }) => UNCLOSED.test(message)) : undefined) ?? first
  const message = told.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? told.code
  return { code: told.code, message, offset: placeOf(document, text, told.code, message, told.pos[0]) }
}

function placeOf(document: Document.Parsed, text: string, code: ErrorCode, message: string, found: number): number {
  if (UNCLOSED.test(message)) return openBracket(document, found, message) ?? found
  if (code === 'MISSING_CHAR') return openQuote(document, found)
  return code === 'BAD_INDENT' ? afterBlank(text, found) : found
}

/** Place of the bracket that is not closed at `end`; the innermost. */
function openBracket(document: Document.Parsed, end: number, message: string): number | undefined {
  let start: number | undefined
  visit(document, {
    Collection: (_, node) => {
      const isKind = node.flow === true && isMap(node) === message.startsWith('Flow map')
      if (isKind && node.range?.[1] === end) start = node.range[0]
    },
  })
  return start
}

/** Start of the text whose closing quote is missing at `end`. */
function openQuote(document: Document.Parsed, end: number): number {
  let start = end
  visit(document, {
    Scalar: (_, { range, type }) => {
      if (type?.startsWith('QUOTE_') && range && range[0] < end && range[1] >= end) start = range[0]
    },
  })
  return start
}

/** The parser counts blank lines and comments as part of what follows them. */
function afterBlank(text: string, offset: number): number {
  let at = offset
  while (/[\s#]/.test(text[at] ?? '')) {
    const end = text[at] === '#' ? text.indexOf('\n', at) : at
    if (end === -1) return offset
    at = end + 1
  }
  return at < text.length ? at : offset
}
