import { describe, expect, test } from 'vitest'
import { diagnosticLine } from '../../../src/schema/diagnostics.ts'
import { nodeOf } from '../../../src/schema/node.ts'
import { At, INVALID } from '../../../src/schema/schema.ts'
import { type TemplateText, template } from '../../../src/schema/template.ts'
import { marksIn } from '../../../src/schema/walk.ts'

const VALUES = ['request.id', 'request.path', 'client.address']
const body = template({ expected: 'text', values: VALUES, elsewhere: ['failure.reason'], form: 'text' })
const path = template({ expected: 'a path', values: [], form: 'path' })

function read(text: string, schema = body): TemplateText | string[] {
  const problems: ConstructorParameters<typeof At>[0] = []
  const value = schema.read(nodeOf(text), new At(problems, 'k'))
  return value === INVALID ? problems.map(diagnosticLine) : value
}

describe('a text names values', () => {
  test.each<[string, string, TemplateText]>([
    ['none', 'plain', 'plain'],
    ['one', 'id={request.id}', { texts: ['id=', ''], names: ['request.id'] }],
    [
      'two side by side',
      '{request.id}{client.address}',
      { texts: ['', '', ''], names: ['request.id', 'client.address'] },
    ],
    ['a parameter', '/{params.user_id}/', { texts: ['/', '/'], names: ['params.user_id'] }],
    ['in JSON', '{"a":{"id":"{request.id}"}}', { texts: ['{"a":{"id":"', '"}}'], names: ['request.id'] }],
    ['none in JSON', '{"a":{"b":[{}]}}', '{"a":{"b":[{}]}}'],
    ['none in a style sheet', 'a{color:red}b{margin:0.5em}', 'a{color:red}b{margin:0.5em}'],
    [
      'none of a page’s own templates',
      '{{user.name}} {id} {user.name} {%if%}',
      '{{user.name}} {id} {user.name} {%if%}',
    ],
    [
      'none where braces are doubled',
      '{{request.id}} {request.id}',
      { texts: ['{request.id} ', ''], names: ['request.id'] },
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test.each([
    ['{request.ip}', 'there is no value {request.ip} here; did you mean {request.id}?'],
    ['{requst.path}', 'there is no value {requst.path} here; did you mean {request.path}?'],
    [
      '{request.nothing}',
      'there is no value {request.nothing} here; known are {request.id}, {request.path}, {client.address}, {params.NAME}',
    ],
    ['{params.7}', 'there is no value {params.7} here'],
    ['{failure.reason}', 'there is no value {failure.reason} here; known are {request.id}'],
  ])('%s is a mistake', (text, why) => {
    expect(read(text)).toEqual([expect.stringContaining(why)])
  })

  test('which is not shown where it may stand beside a secret', () => {
    const hidden = template({ expected: 'a value', values: VALUES, form: 'text', hidden: true })
    expect(read('Bearer abc {request.ip}', hidden)).toEqual([
      'built-in: k: this is not a value: there is no value {request.ip} here; did you mean {request.id}?',
    ])
  })
})

describe('a path names parameters', () => {
  test.each<[string, TemplateText]>([
    ['/plain', '/plain'],
    ['/v2/users/{id}', { texts: ['/v2/users/', ''], names: ['params.id'] }],
    ['/{b}/{a}/{b}', { texts: ['/', '/', '/', ''], names: ['params.b', 'params.a', 'params.b'] }],
  ])('%s', (text, expected) => {
    expect(read(text, path)).toEqual(expected)
  })

  test.each([
    ['/{', 'name in braces'],
    ['/{}', 'name in braces'],
    ['/{a b}', 'name in braces'],
    ['/{{id}}', 'name in braces'],
    ['/{request.id}', 'name in braces'],
    ['/a}b', 'closing brace'],
  ])('%s is a mistake', (text, why) => {
    expect(read(text, path)).toEqual([expect.stringContaining(why)])
  })
})

test('the walk finds which parameters a template needs, as it writes them', () => {
  const needs = (schema: typeof body, text: string) =>
    marksIn(schema, nodeOf(text)).flatMap(({ mark }) => (mark.is === 'template' ? mark.params(text) : []))
  expect(needs(path, '/{b}/{a}')).toEqual([
    { name: 'b', written: '{b}' },
    { name: 'a', written: '{a}' },
  ])
  expect(needs(body, '{request.id} {params.a} {a}')).toEqual([{ name: 'a', written: '{params.a}' }])
})
