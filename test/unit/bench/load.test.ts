import { describe, expect, it } from 'vitest'
import { readWrk } from '../../bench/load.ts'

const HEAD = `Running 2s test @ http://127.0.0.1:8080/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.21ms    1.02ms  21.30ms   96.17%
    Req/Sec    29.58k     2.10k   32.06k    85.00%
  58902 requests in 2.01s, 16.40MB read
`
const TAIL = `Requests/sec:  29304.11
Transfer/sec:      8.16MB
`

describe('what wrk prints', () => {
  it('is read as numbers', () => {
    expect(readWrk(HEAD + TAIL)).toEqual({ requests: 58_902, rps: 29_304.11, errors: 0 })
  })

  it('has errors of sockets and of answers, added', () => {
    const errors = '  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 50000\n'
    expect(readWrk(HEAD + errors + TAIL).errors).toBe(54_321)
  })

  it('may say that nothing was answered', () => {
    const none = '  0 requests in 1.00s, 0.00B read\nRequests/sec:      0.00\n'
    expect(readWrk(none)).toEqual({ requests: 0, rps: 0, errors: 0 })
  })

  it('is refused when it is something else', () => {
    expect(() => readWrk('unable to connect to 127.0.0.1:1 Connection refused')).toThrow(/not what wrk prints: unable/)
  })
})
