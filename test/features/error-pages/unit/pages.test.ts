import { expect, test } from 'vitest'
import { failure } from '../../../../src/core/failures.ts'
import type { PageOptions, PageStatus } from '../../../../src/features/error-pages/keys.ts'
import { ErrorPages } from '../../../../src/features/error-pages/pages.ts'
import { exchange } from '../../../kit/exchange.ts'

const page = (
  status: PageStatus,
  format: PageOptions['format'] = 'html',
  text: PageOptions['text'] = String(status),
) => ({
  status,
  format,
  text,
  intercept: false,
})

const HOSTILE = `<script>alert("1")</script>'&\\`

test.each([
  [503, '503'],
  [502, '5xx'],
  [404, 'default'],
  [429, 'default'],
])('%i gets the page of %s', (status, expected) => {
  const pages = new ErrorPages([page('default'), page('5xx'), page(503), page('4xx', 'text'), page(502, 'json')])
  expect(String(pages.find(status, 'html')?.text)).toBe(expected)
})

test('a format without a page has none', () => {
  expect(new ErrorPages([page('default')]).find(503, 'json')).toBeUndefined()
  expect(new ErrorPages([page('5xx')]).find(404, 'html')).toBeUndefined()
})

test.each([
  ['html', '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;\\', 'text/html; charset=utf-8'],
  ['json', `<script>alert(\\"1\\")</script>'&\\\\`, 'application/json'],
  ['text', HOSTILE, 'text/plain; charset=utf-8'],
] as const)('values are written as %s', (format, written, type) => {
  const text = {
    texts: ['[', '|', '|', '|', ']'],
    names: ['request.method', 'failure.status', 'failure.title', 'failure.detail'],
  }
  const ex = exchange([], HOSTILE)
  const found = new ErrorPages([page('default', format, text)]).of(ex, failure('no_route', 'request', 'client'), format)
  expect(found?.type).toBe(type)
  expect(String(found?.body)).toBe(`[${written}|404|No route matches this request|No route matches this request.]`)
})

test('a page without values is made once', () => {
  const pages = new ErrorPages([page('default')])
  const of = () => pages.of(exchange(), failure('no_route', 'request', 'client'), 'html')?.body
  expect(of()).toBe(of())
})
