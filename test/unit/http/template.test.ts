import { describe, expect, test } from 'vitest'
import type { Failure } from '../../../src/core/failures.ts'
import { compileFields } from '../../../src/http/fields.ts'
import { compileFixed, fixedProblem } from '../../../src/http/fixed.ts'
import { compilePath } from '../../../src/http/paths.ts'
import {
  bodyEscape,
  type CompiledText,
  compileText,
  FAILURE_VALUES,
  REQUEST_VALUES,
} from '../../../src/http/template.ts'
import { routed } from '../../kit/policy.ts'

const ODD = `a"b<c>&'\\d`
const context = { values: REQUEST_VALUES, paramNames: ['user', 'id'] }
const ex = routed({ target: '/u/7?x', params: [ODD, '7'], host: 'shop.example.com' })
const failure = { reason: 'breaker_open', phase: 'connect', origin: 'sluice' } as Failure

function written(text: CompiledText): string {
  return typeof text === 'string' ? text : text(ex, failure)
}

describe('values', () => {
  test.each(Object.keys(FAILURE_VALUES))('%s is told in a sentence and has a text', (name) => {
    const text = compileText(
      { texts: ['<', '>'], names: [name] },
      { ...context, values: FAILURE_VALUES, write: (v) => v },
    )
    expect(written(text)).toMatch(/^<.*>$/)
    expect(FAILURE_VALUES[name]?.doc).toMatch(/^[A-Z].*\.$/)
  })

  test('are those of the request', () => {
    const of = (name: string) =>
      written(compileText({ texts: ['', ''], names: [name] }, { ...context, write: (v) => v }))
    expect(of('request.id')).toBe(ex.requestId)
    expect(of('request.host')).toBe('shop.example.com')
    expect(of('request.method')).toBe('GET')
    expect(of('params.id')).toBe('7')
  })

  test('that there are not end the start, not a request', () => {
    for (const names of [['request.nope'], ['params.nope'], ['constructor']])
      expect(() => compileText({ texts: ['', ''], names }, { ...context, write: (v) => v })).toThrow(names[0])
  })
})

describe('a value is written as it may stand', () => {
  test.each([
    ['in a path', compilePath({ texts: ['/é/', '/x'], names: ['params.user'] }, ['user']), "/%E9/a%22b%3Cc%3E&'%5Cd/x"],
    [
      'in a field',
      compileFields({ 'x-a': { texts: ['é ', ''], names: ['params.user'] } }, context)[1],
      "Ã© a%22b%3Cc%3E&'%5Cd",
    ],
    ['in JSON', inBody('application/json'), `<a\\"b<c>&'\\\\d>`],
    ['in a problem document', inBody('application/problem+json; charset=utf-8'), `<a\\"b<c>&'\\\\d>`],
    ['in HTML', inBody('text/HTML; charset=utf-8'), '<a&quot;b&lt;c&gt;&amp;&#39;\\d>'],
    ['in SVG', inBody('image/svg+xml'), '<a&quot;b&lt;c&gt;&amp;&#39;\\d>'],
    ['in plain text', inBody('text/plain'), `<${ODD}>`],
  ])('%s', (_, text, expected) => {
    expect(written(text as CompiledText)).toBe(expected)
  })

  function inBody(type: string): CompiledText {
    const write = bodyEscape(type) ?? (() => 'nowhere')
    return compileText({ texts: ['<', '>'], names: ['params.user'] }, { ...context, write })
  }

  test.each(['text/css', 'application/javascript', 'image/png', ''])('nowhere in %s', (type) => {
    expect(bodyEscape(type)).toBeUndefined()
    const body = { texts: ['', ''], names: ['request.id'] }
    expect(fixedProblem({ status: 200, headers: { 'Content-Type': type }, body })).toContain(
      '{request.id} cannot be written',
    )
    expect(fixedProblem({ status: 200, headers: { 'Content-Type': type }, body: '{}' })).toBeUndefined()
  })
})

describe('a fixed answer', () => {
  test('is one object for all requests where its texts are constant', () => {
    const reply = compileFixed({ status: 200, body: 'é', headers: { 'x-a': 'b' } }, context)
    expect(reply).toMatchObject({
      headers: ['x-a', 'b', 'content-type', 'text/plain; charset=utf-8', 'content-length', '2'],
    })
  })

  test('is made for each request where they are not, with its own length', () => {
    const reply = compileFixed(
      {
        status: 503,
        headers: { 'content-type': 'application/json', 'x-id': { texts: ['', ''], names: ['request.id'] } },
        body: { texts: ['{"why":"', '","user":"', '"}'], names: ['failure.reason', 'params.user'] },
      },
      { ...context, values: FAILURE_VALUES },
    )
    const { body, headers } = typeof reply === 'function' ? reply(ex, failure) : reply
    expect(JSON.parse(String(body))).toEqual({ why: 'breaker_open', user: ODD })
    expect(headers).toEqual([
      'content-type',
      'application/json',
      'x-id',
      ex.requestId,
      'content-length',
      String(body?.length),
    ])
  })

  test('has no type that is made for each request around values', () => {
    const type = { texts: ['', ''], names: ['params.id'] }
    const options = { status: 200, headers: { 'content-type': type }, body: { texts: ['', ''], names: ['request.id'] } }
    expect(fixedProblem(options)).toContain('a body whose type is made for each request')
  })
})
