import { expect, test } from 'vitest'
import { cookieValue } from '../../../src/lib/cookies.ts'

test.each([
  [['Cookie', 'a=1; b=2'], 'b', '2'],
  [['Cookie', 'a=1;b=2;b=3'], 'b', '2'],
  [['cookie', 'x=y', 'COOKIE', 'b=a=b='], 'b', 'a=b='],
  [['Cookie', 'b='], 'b', ''],
  [['Cookie', 'b; c=1'], 'b', undefined],
  [['Cookie', 'B=1; ab=2'], 'b', undefined],
  [['Cookie', ''], 'b', undefined],
  [['Cookies', 'b=1', 'x', 'b=1'], 'b', undefined],
])('%j: %s is %s', (headers, name, value) => {
  expect(cookieValue(headers, name)).toBe(value)
})
