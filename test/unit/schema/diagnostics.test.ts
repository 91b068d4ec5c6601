import { describe, expect, it } from 'vitest'
import { type Diagnostic, diagnosticExcerpt, diagnosticLine, sortDiagnostics } from '../../../src/schema/diagnostics.ts'

function at(line: number, column: number, more: Partial<Diagnostic> = {}): Diagnostic {
  return { severity: 'error', at: { file: 'a.yaml', line, column }, path: 'routes.a', message: 'wrong', ...more }
}

describe('diagnosticLine', () => {
  it('names place, path and message', () => {
    expect(diagnosticLine(at(3, 5))).toBe('a.yaml:3:5: routes.a: wrong')
    expect(diagnosticLine(at(3, 5, { severity: 'warning', path: '' }))).toBe('a.yaml:3:5: warning: wrong')
    expect(diagnosticLine(at(0, 0, { path: '' }))).toBe('a.yaml: wrong')
  })

  it('stays one line, and gives a terminal no orders', () => {
    const line = diagnosticLine(at(1, 1, { path: '', message: 'a\u001b[31mb\r\nc\u009bd' }))
    expect(line).toBe('a.yaml:1:1: a\ufffd[31mb\ufffd\ufffdc\ufffdd')
  })
})

describe('diagnosticExcerpt', () => {
  it('shows the line with a caret under the column', () => {
    expect(diagnosticExcerpt(at(12, 7), '    to: orders')).toBe(
      ['a.yaml:12:7: routes.a: wrong', '  12 |     to: orders', '     |       ^'].join('\n'),
    )
  })

  it('keeps the caret in place behind tabs, and cuts what is too long', () => {
    expect(diagnosticExcerpt(at(1, 3), '\t\tx: 1\r').split('\n').slice(1)).toEqual(['  1 |   x: 1', '    |   ^'])
    const line = `${'a'.repeat(899)}X${'b'.repeat(100)}`
    const [, shown = '', caret = ''] = diagnosticExcerpt(at(1, 900), line).split('\n')
    expect(shown).toHaveLength(206)
    expect(shown[caret.indexOf('^')]).toBe('X')
    expect(shown.slice(6, 8)).toBe('…a')
    const [, start = '', there = ''] = diagnosticExcerpt(at(1, 2), `aX${'b'.repeat(998)}`).split('\n')
    expect(start[there.indexOf('^')]).toBe('X')
    expect(start.endsWith('b…')).toBe(true)
  })

  it('never shows a line that may hold a secret', () => {
    expect(diagnosticExcerpt(at(1, 1, { secret: true }), 'token: abc')).toBe('a.yaml:1:1: routes.a: wrong')
  })

  it('is the plain line for a whole file, or when the source is not known', () => {
    expect(diagnosticExcerpt(at(0, 0), 'text')).toBe('a.yaml: routes.a: wrong')
    expect(diagnosticExcerpt(at(1, 1), undefined)).toBe('a.yaml:1:1: routes.a: wrong')
  })
})

describe('sortDiagnostics', () => {
  it('goes by line, then by column, and leaves the list that it got', () => {
    const list = [at(10, 1), at(2, 9), at(2, 3)]
    expect(sortDiagnostics(list).map((d) => [d.at.line, d.at.column])).toEqual([
      [2, 3],
      [2, 9],
      [10, 1],
    ])
    expect(list[0]?.at.line).toBe(10)
  })
})
