/** A word, or one of `{ } ;`. */
export interface Token {
  readonly text: string
  /** It was in quotes: never a `{`, `}` or `;`. */
  readonly quoted: boolean
  readonly line: number
}

/** Text that is no nginx configuration. */
export class NginxSyntaxError extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Words, quoted texts and `{ } ;` of an nginx configuration; comments left out. Throws {@link NginxSyntaxError}. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  let i = 0
  while (i < text.length) {
    const char = text[i] as string
    if (char === '\n') line++
    if (/\s/.test(char)) i++
    else if (char === '#') i = endOfLine(text, i)
    else if ('{};'.includes(char)) {
      tokens.push({ text: char, quoted: false, line })
      i++
    } else {
      const word = char === '"' || char === "'" ? quotedWord(text, i, line) : plainWord(text, i)
      tokens.push({ text: word.text, quoted: word.quoted, line })
      line += text.slice(i, word.end).split('\n').length - 1
      i = word.end
    }
  }
  return tokens
}

interface Word {
  readonly text: string
  readonly quoted: boolean
  readonly end: number
}

function quotedWord(text: string, start: number, line: number): Word {
  const quote = text[start] as string
  let out = ''
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) {
      out += unescaped(text[++i] as string)
      continue
    }
    if (text[i] !== quote) {
      out += text[i]
      continue
    }
    const next = text[i + 1]
    if (next !== undefined && !/[\s;{)]/.test(next))
      throw new NginxSyntaxError(line, `unexpected "${next}" after a quote`)
    return { text: out, quoted: true, end: i + 1 }
  }
  throw new NginxSyntaxError(line, 'this quote is never closed')
}

/** `${name}` belongs to the word; other braces end it. */
function plainWord(text: string, start: number): Word {
  let out = ''
  let i = start
  while (i < text.length) {
    const char = text[i] as string
    if (char === '\\' && i + 1 < text.length) {
      out += unescaped(text[i + 1] as string)
      i += 2
      continue
    }
    if (char === '$' && text[i + 1] === '{') {
      const end = text.indexOf('}', i)
      if (end !== -1) {
        out += `$${text.slice(i + 2, end)}`
        i = end + 1
        continue
      }
    }
    if (/[\s;{]/.test(char)) break
    out += char
    i++
  }
  return { text: out, quoted: false, end: i }
}

/** nginx keeps the backslash before everything but quotes, itself, and a few letters: regular expressions need it. */
function unescaped(char: string): string {
  if (char === '"' || char === "'" || char === '\\') return char
  return { t: '\t', r: '\r', n: '\n' }[char] ?? `\\${char}`
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}
