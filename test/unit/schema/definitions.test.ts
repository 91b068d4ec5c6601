import { expect, test } from 'vitest'
import { list, object, offOr, optional, withDefault } from '../../../src/schema/composites.ts'
import { withDefinitions } from '../../../src/schema/definitions.ts'
import { duration, oneOf } from '../../../src/schema/scalars.ts'

const wait = object({
  first: withDefault(duration(), '1s', 'The first one.'),
  all: optional(offOr(duration()), 'All of them together.'),
  how: optional(oneOf('once', 'again', 'always'), 'How.'),
})

test('what occurs twice is written once, and places keep what they say of it', () => {
  const whole = object({
    a: withDefault(wait, {}, 'For a.'),
    b: optional(list(object({ wait: optional(wait, 'For b.') })), 'More.'),
    c: optional(duration(), 'Short ones stay.'),
    d: optional(duration(), 'Short ones stay.'),
  })
  const { $defs, ...rest } = withDefinitions(whole.json)
  expect($defs).toEqual({ a: wait.json })
  expect(rest).toEqual({
    type: 'object',
    properties: {
      a: { $ref: '#/$defs/a', description: 'For a.', default: {} },
      b: {
        type: 'array',
        items: {
          type: 'object',
          properties: { wait: { $ref: '#/$defs/a', description: 'For b.' } },
          additionalProperties: false,
        },
        description: 'More.',
      },
      c: { ...duration().json, description: 'Short ones stay.' },
      d: { ...duration().json, description: 'Short ones stay.' },
    },
    additionalProperties: false,
  })
})

test('two of one name are told apart by where they stand', () => {
  const other = object({ ...wait.fields, last: optional(duration(), 'Last.') })
  const side = (doc: string) => object({ wait: optional(wait, doc) })
  const more = (doc: string) => object({ wait: optional(other, doc) })
  const whole = object({
    x: optional(side('1'), '.'),
    y: optional(side('2'), '.'),
    v: optional(more('3'), '.'),
    w: optional(more('4'), '.'),
  })
  expect(Object.keys(withDefinitions(whole.json).$defs as object)).toEqual(['wait', 'v.wait'])
})
