import { describe, expect, test } from 'vitest'
import { PathTemplate, TemplateError, templateNames } from '../../../src/lib/template.ts'

describe('expanding', () => {
  test.each([
    ['/v2/users/{id}', ['id'], ['7'], '/v2/users/7'],
    ['/{b}/{a}/{b}', ['a', 'b'], ['1', '2'], '/2/1/2'],
    ['/plain', [], [], '/plain'],
    ['/x-{id}.json', ['id'], ['7'], '/x-7.json'],
    ['/café/{id}', ['id'], ['7'], '/caf%C3%A9/7'],
    ['/u/{id}', ['id'], ['a%2Fb'], '/u/a%2Fb'],
    ['/u/{id}', ['id'], ['a\\b"<>'], '/u/a%5Cb%22%3C%3E'],
    ['/u/{id}', ['id'], ['{id}'], '/u/%7Bid%7D'],
  ])('%s of %j %j is %s', (source, names, values, expected) => {
    expect(new PathTemplate(source, names).expand(values)).toBe(expected)
  })
})

test('names come in the order of the text', () => {
  expect(templateNames('/{b}/{a}/{b}')).toEqual(['b', 'a', 'b'])
})

describe('mistakes', () => {
  test.each([
    ['/{nope}', '{nope}'],
    ['/{', 'name in braces'],
    ['/{}', 'name in braces'],
    ['/{a b}', 'name in braces'],
    ['/{{id}}', 'name in braces'],
    ['/a}b', 'closing brace'],
  ])('%s', (source, words) => {
    expect(() => new PathTemplate(source, ['id'])).toThrow(TemplateError)
    expect(() => new PathTemplate(source, ['id'])).toThrow(words)
  })
})
