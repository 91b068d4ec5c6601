import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { CommonLog } from '../../../../src/data/seeing/common-log.ts'
import { madeExchange } from './made-exchange.ts'

const AT = Date.UTC(2026, 10, 6, 8, 33, 7) + 999
const SHOWN = { queryKeys: new Set(['page']), hidden: new Set(['cookie']) }

function made(request: Parameters<typeof madeExchange>[0] = {}, query = ''): Exchange {
  const ex = madeExchange(request)
  ex.client = '198.51.100.7'
  ex.path = '/orders/1'
  ex.query = query
  return ex
}

function combined(headers: readonly string[], shown: Parameters<CommonLog['line']>[1] = SHOWN): string {
  return new CommonLog('combined').line(made({ headers }), shown, 200, AT)
}

describe('the common log format', () => {
  test('as web servers write it, query values masked', () => {
    const log = new CommonLog('common')
    expect(log.line(made({}, '?page=2&token=s3cret'), SHOWN, 404, AT)).toBe(
      '198.51.100.7 - - [06/Nov/2026:08:33:07 +0000] "GET /orders/1?page=2&token=*** HTTP/1.1" 404 345\n',
    )
    expect(log.line(made({ bytesOut: 0 }), SHOWN, 204, AT + 1)).toContain('[06/Nov/2026:08:33:08 +0000]')
    expect(log.line(made({ bytesOut: 0 }), SHOWN, 204, AT + 1)).toMatch(/ 204 -\n$/)
  })

  test('no request can end the quoted text, the line, or leave ASCII', () => {
    const ex = made({ method: 'GET"', target: '/a"\\\n\x1b[2J\xff?x=1' })
    ex.path = ''
    expect(new CommonLog('common').line(ex, SHOWN, 400, AT)).toContain(
      '"GET\\x22 /a\\x22\\x5c\\x0a\\x1b[2J\\xff HTTP/1.1"',
    )
  })
})

describe('the combined log format', () => {
  test('has Referer, its query masked, and User-Agent', () => {
    const headers = ['Referer', 'https://shop.example/cart?page=1&session=s3cret', 'User-Agent', 'curl/8 "x"']
    expect(combined(headers)).toMatch(
      / 345 "https:\/\/shop\.example\/cart\?page=1&session=\*\*\*" "curl\/8 \\x22x\\x22"\n$/,
    )
    expect(combined([])).toMatch(/ 345 "-" "-"\n$/)
  })

  test('masks them where they are to be hidden, and cuts what has no end', () => {
    const hidden = new Set(['user-agent'])
    expect(combined(['user-agent', 'x', 'referer', '/a'], { ...SHOWN, hidden })).toMatch(/ "\/a" "\*\*\*"\n$/)
    expect(combined(['user-agent', 'x'.repeat(9000)]).length).toBeLessThan(2300)
  })
})
