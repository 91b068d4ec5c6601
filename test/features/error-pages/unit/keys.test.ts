import { describe, expect, test } from 'vitest'
import { type ErrorPagesOptions, keys } from '../../../../src/features/error-pages/keys.ts'
import type { Diagnostic } from '../../../../src/schema/diagnostics.ts'
import { nodeOf } from '../../../../src/schema/node.ts'
import { At, INVALID } from '../../../../src/schema/schema.ts'

/** What is read of a value where these files are there; or the messages. */
function read(value: unknown, files: Readonly<Record<string, string>> = {}): ErrorPagesOptions | readonly string[] {
  const problems: Diagnostic[] = []
  const contents = new Map(Object.entries(files).map(([path, text]) => [path, { text }]))
  const options = keys.read(nodeOf(value), new At(problems, 'errorPages', { folder: '/etc', contents }))
  return problems.length > 0 || options === INVALID ? problems.map(({ message }) => message) : options
}

describe('error pages', () => {
  test('are listed by status and format, their texts in parts', () => {
    const pages = {
      404: { file: 'a.html' },
      '5xx': [{ file: 'b.txt' }, { file: 'c', format: 'json', intercept: true }],
    }
    const files = {
      'a.html': '<b>{failure.status}</b>',
      'b.txt': 'sorry',
      c: '{"id":"{request.id}", "s": {failure.status}}',
    }
    expect(read(pages, files)).toEqual([
      {
        status: 404,
        format: 'html',
        intercept: false,
        text: { texts: ['<b>', '</b>'], names: ['failure.status'] },
      },
      { status: '5xx', format: 'text', intercept: false, text: 'sorry' },
      {
        status: '5xx',
        format: 'json',
        intercept: true,
        text: { texts: ['{"id":"', '", "s": ', '}'], names: ['request.id', 'failure.status'] },
      },
    ])
  })

  test.each<[string, unknown, Record<string, string>, RegExp]>([
    ['a status that is no failure', { 200: { file: 'a.html' } }, { 'a.html': '' }, /400 to 599, 4xx, 5xx or default/],
    ['a class that is none', { '3xx': { file: 'a.html' } }, { 'a.html': '' }, /4xx, 5xx or default/],
    [
      'two of one format',
      { 404: [{ file: 'a.html' }, { file: 'b.htm' }] },
      { 'a.html': '', 'b.htm': '' },
      /404 has two pages of format html/,
    ],
    [
      'an unknown format',
      { 404: { file: 'a.svg' } },
      { 'a.svg': '' },
      /a\.svg may be html, json or text; write format/,
    ],
    [
      'a file that is too large',
      { 404: { file: 'a.html' } },
      { 'a.html': 'x'.repeat(65_537) },
      /larger than 65536 bytes/,
    ],
    ['a file that is no text', { 404: { file: 'a.html' } }, { 'a.html': '\ufffd' }, /no text in UTF-8/],
    [
      'a value that is misspelt',
      { 404: { file: 'a.html' } },
      { 'a.html': 'a\n\n{failure.reson}' },
      /a\.html, line 3: .*did you mean \{failure\.reason\}/,
    ],
    [
      'a parameter of the path',
      { 404: { file: 'a.html' } },
      { 'a.html': '{params.id}' },
      /line 1: there is no value \{params\.id\}/,
    ],
    [
      'a value in a script',
      { 404: { file: 'a.html' } },
      { 'a.html': '<script>var a = "{request.path}"</script>' },
      /\{request\.path\} stands in a script or style/,
    ],
    [
      'a value in a style',
      { 404: { file: 'a.html' } },
      { 'a.html': '<STYLE>a{}</STYLE><Style>{request.path}' },
      /script or style/,
    ],
    [
      'JSON that is none',
      { 404: { file: 'a.json' } },
      { 'a.json': '{"a": {failure.reason}}' },
      /no JSON once its values are written/,
    ],
    ['an unknown key', { 404: { file: 'a.html', path: 'b' } }, { 'a.html': '' }, /unknown key; known are file, format/],
  ])('%s is refused', (_, value, files, message) => {
    expect(read(value, files)).toEqual([expect.stringMatching(message)])
  })

  test('braces of scripts and style sheets stay text', () => {
    const html = '<style>a{b:c}</style><script>if(a){b.c()} const d = e</script><p>{request.id}</p>'
    expect(read({ default: { file: 'a.html' } }, { 'a.html': html })).toMatchObject([
      { status: 'default', text: { names: ['request.id'] } },
    ])
  })
})
