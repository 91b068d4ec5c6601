import { describe, expect, it } from 'vitest'
import { NginxError, parseNginx } from '../../../../src/tools/import/nginx/parse.ts'
import { tokenize } from '../../../../src/tools/import/nginx/tokens.ts'

const NO_FILES = { glob: () => undefined, read: () => '' }

function words(text: string): string[] {
  return tokenize(text).map((token) => token.text)
}

function failure(text: string): string {
  try {
    parseNginx('a.conf', text, NO_FILES)
  } catch (error) {
    if (error instanceof NginxError) return `${error.at.file}:${error.at.line}: ${error.message}`
    throw error
  }
  return 'none'
}

describe('tokenize', () => {
  it.each([
    ['listen 80;', ['listen', '80', ';']],
    ['a "b c" \'d;e\';', ['a', 'b c', 'd;e', ';']],
    ['a # b ; {\nc;', ['a', 'c', ';']],
    ['a b#c;', ['a', 'b#c', ';']],
    [String.raw`a \.(png|jpg)$ "\.x" "\"";`, ['a', String.raw`\.(png|jpg)$`, String.raw`\.x`, '"', ';']],
    ['a $' + '{b}c;', ['a', '$bc', ';']],
    ['location /a{b;}', ['location', '/a', '{', 'b', ';', '}']],
    ['a "x\ny" z;', ['a', 'x\ny', 'z', ';']],
  ])('%j', (text, expected) => {
    expect(words(text)).toEqual(expected)
  })

  it('knows lines, after quotes with several, too', () => {
    expect(tokenize('a\n"b\n\nc"\n;').map(({ line }) => line)).toEqual([1, 2, 5])
  })

  it('takes what is in quotes for no sign', () => {
    expect(tokenize('a "}";').map(({ quoted }) => quoted)).toEqual([false, true, false])
  })
})

describe('parseNginx', () => {
  it('nests blocks and keeps where directives stand', () => {
    const [server] = parseNginx('a.conf', 'server {\n  listen 80;\n  location = /x { return 204; }\n}\n', NO_FILES)
    expect(server).toMatchObject({ name: 'server', line: 1, args: [] })
    expect(server?.block?.[1]).toMatchObject({ file: 'a.conf', line: 3, name: 'location', args: ['=', '/x'] })
  })

  it('puts included files in the place of their include', () => {
    const texts: Readonly<Record<string, string>> = { 'x/1.conf': 'a 1;', 'x/2.conf': '\nb 2;' }
    const files = { glob: () => Object.keys(texts), read: (path: string) => texts[path] as string }
    const found = parseNginx('a.conf', 'first;\ninclude x/*.conf;\nlast;', files)
    expect(found.map(({ file, line, name }) => `${file}:${line} ${name}`)).toEqual([
      'a.conf:1 first',
      'x/1.conf:1 a',
      'x/2.conf:2 b',
      'a.conf:3 last',
    ])
  })

  it('ends where files include each other', () => {
    const files = { glob: () => ['a.conf'], read: () => '\ninclude a.conf;' }
    expect(() => parseNginx('a.conf', 'include a.conf;', files)).toThrow(/deeper than 20/)
  })

  it.each([
    ['a {\n b;', 'a.conf:2: unexpected end of file, expecting "}"'],
    ['a;\n}', 'a.conf:2: unexpected "}"'],
    ['\n;', 'a.conf:2: unexpected ";"'],
    ['a b', 'a.conf:1: directive "a" is not ended by ";" or a block'],
    ['a {\n b }', 'a.conf:2: directive "b" is not terminated by ";"'],
    ['\na "b;', 'a.conf:2: this quote is never closed'],
    ['a "b"c;', 'a.conf:1: unexpected "c" after a quote'],
    ['\ncontent_by_lua_block { ngx.say("x") }', 'a.conf:2: Lua is not read'],
  ])('%j', (text, says) => {
    expect(failure(text)).toBe(says)
  })
})
