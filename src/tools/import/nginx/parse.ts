import type { SourceLine } from '../common/draft.ts'
import { NginxSyntaxError, type Token, tokenize } from './tokens.ts'

/** A directive with its words, and what stands in its block. */
export interface Directive extends SourceLine {
  readonly name: string
  readonly args: readonly string[]
  /** Undefined: it ends with a semicolon. */
  readonly block: readonly Directive[] | undefined
}

/** Where an included file can be found and read; nothing matches: an empty list. */
export interface IncludedFiles {
  /** Paths that match a pattern, sorted; relative ones are relative to the main file. Undefined: not even the folder. */
  readonly glob: (pattern: string) => readonly string[] | undefined
  /** Throws as `fs.readFileSync` does. */
  readonly read: (path: string) => string
}

/** Where an nginx configuration is wrong. */
export class NginxError extends Error {
  readonly at: SourceLine

  constructor(at: SourceLine, message: string) {
    super(message)
    this.at = at
  }
}

const MAX_DEPTH = 20

/** Directives of a file, included ones in the place of their `include`. Throws {@link NginxError}. */
export function parseNginx(file: string, text: string, files: IncludedFiles, depth = 0): readonly Directive[] {
  try {
    return new Parser(file, tokenize(text), files, depth).directives(false)
  } catch (error) {
    if (error instanceof NginxSyntaxError) throw new NginxError({ file, line: error.line }, error.message)
    throw error
  }
}

class Parser {
  private readonly file: string
  private readonly tokens: readonly Token[]
  private readonly files: IncludedFiles
  private readonly depth: number
  private next = 0

  constructor(file: string, tokens: readonly Token[], files: IncludedFiles, depth: number) {
    this.file = file
    this.tokens = tokens
    this.files = files
    this.depth = depth
  }

  directives(inBlock: boolean): Directive[] {
    const found: Directive[] = []
    for (;;) {
      const token = this.tokens[this.next++]
      if (token === undefined) {
        if (!inBlock) return found
        throw new NginxSyntaxError(this.tokens.at(-1)?.line ?? 1, 'unexpected end of file, expecting "}"')
      }
      if (is(token, '}') && inBlock) return found
      if (is(token, '{') || is(token, '}') || is(token, ';'))
        throw new NginxSyntaxError(token.line, `unexpected "${token.text}"`)
      found.push(...this.directive(token))
    }
  }

  private directive({ line, text: name }: Token): readonly Directive[] {
    const args: string[] = []
    for (;;) {
      const token = this.tokens[this.next++]
      if (token === undefined) throw new NginxSyntaxError(line, `directive "${name}" is not ended by ";" or a block`)
      if (is(token, '}')) throw new NginxSyntaxError(token.line, `directive "${name}" is not terminated by ";"`)
      const at = { file: this.file, line }
      if (is(token, ';')) return name === 'include' ? this.include(at, args) : [{ ...at, name, args, block: undefined }]
      if (is(token, '{')) return [{ ...at, name, args, block: this.block(name) }]
      args.push(token.text)
    }
  }

  /** What stands in these blocks is no directive; Lua would not even have nginx's words. */
  private block(name: string): readonly Directive[] {
    if (name.endsWith('_by_lua_block')) throw new NginxSyntaxError(this.tokens[this.next]?.line ?? 1, 'Lua is not read')
    return this.directives(true)
  }

  private include(at: SourceLine, [pattern = '']: readonly string[]): readonly Directive[] {
    if (this.depth > MAX_DEPTH) throw new NginxError(at, `includes are nested deeper than ${MAX_DEPTH}`)
    const paths = this.files.glob(pattern)
    // It stays, for the list of unknown directives.
    if (paths === undefined) return [{ ...at, name: 'include', args: [pattern], block: undefined }]
    return paths.flatMap((path) => {
      let text: string
      try {
        text = this.files.read(path)
      } catch (error) {
        throw new NginxError(at, `include: ${(error as Error).message}`)
      }
      return parseNginx(path, text, this.files, this.depth + 1)
    })
  }
}

function is(token: Token, text: string): boolean {
  return !token.quoted && token.text === text
}
