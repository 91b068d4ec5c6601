/** The parser's message about a bracket that is not closed. */
export const UNCLOSED: RegExp = /^Flow (map|sequence) .*must .*end with/

/** An error of the YAML parser, in the words of a config's author. `line`: the source line that contains it. */
export function syntaxMessage(code: string, message: string, line: string): string {
  if (code === 'TAB_AS_INDENT' || /^\s*\t/.test(line)) return 'YAML is indented with spaces, never with tabs'
  if (/\r./.test(line)) return 'a carriage return alone does not end a line; save the file with line feeds'
  if (message.startsWith('Implicit map keys need')) return 'a key without a colon behind it; write KEY: VALUE'
  if (UNCLOSED.test(message)) return `this ${message.startsWith('Flow map') ? '{' : '['} is never closed`
  const own = (isOurs(code, message) ? OWN[code] : undefined) ?? message
  const hint = HINTS.find(({ codes, pattern }) => (codes?.includes(code) ?? true) && pattern.test(line))
  return hint === undefined ? own : `${own}; ${hint.says}`
}

/** One code stands for missing quotes and for missing commas. */
function isOurs(code: string, message: string): boolean {
  return code !== 'MISSING_CHAR' || message.endsWith('quote')
}

/** For codes whose own message is about parsers. */
const OWN: Readonly<Record<string, string>> = {
  UNEXPECTED_TOKEN: 'the value before this has ended; a comma, a quote or a line break is missing',
  MULTIPLE_DOCS: 'a second document starts here; a file has only one',
  MISSING_CHAR: 'this quote is never closed',
  BAD_INDENT: 'the indentation matches no line above; keys of one map start in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'a key in the middle of a value',
  MULTILINE_IMPLICIT_KEY: 'this is not a key with a value',
  TAG_RESOLVE_FAILED: 'tags are not supported; remove what starts with !',
  BLOCK_IN_FLOW: 'inside { } and [ ] commas stand between the entries',
  RESOURCE_EXHAUSTION: 'nested deeper than 100 levels',
  BAD_ALIAS: 'an anchor or alias without a name',
}

interface Hint {
  /** Undefined: any. */
  readonly codes?: readonly string[]
  readonly pattern: RegExp
  readonly says: string
}

/** The first that fits. */
const HINTS: readonly Hint[] = [
  { codes: ['BAD_DQ_ESCAPE'], pattern: /"/, says: 'in "double quotes" \\ starts an escape; write \'single quotes\'' },
  {
    codes: ['BLOCK_AS_IMPLICIT_KEY'],
    pattern: /:\s.*:\s/,
    says: 'quote a value that contains ": "',
  },
  {
    codes: ['BLOCK_AS_IMPLICIT_KEY'],
    pattern: /:\s/,
    says: 'the next line is indented deeper, as if it went on; keys of one map start in the same column',
  },
  { codes: ['MULTILINE_IMPLICIT_KEY'], pattern: /^\s*\w+:\S/, says: 'a space must follow the colon of a key' },
  {
    codes: ['UNEXPECTED_TOKEN', 'BAD_INDENT', 'MISSING_CHAR'],
    pattern: /\{[^}"']*\{|\{[^"']*:[^"']*\*/,
    says: 'inside { } quote values that contain {, }, * or ,: "/users/{id}"',
  },
  {
    codes: ['BAD_SCALAR_START', 'BAD_ALIAS', 'UNEXPECTED_TOKEN'],
    pattern: /(:|-|\[|,)\s*[*&@`%]/,
    says: 'a value that starts with *, &, @, ` or % must be quoted: "*"',
  },
]
