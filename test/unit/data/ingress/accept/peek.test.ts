import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Accepted } from '../../../../../src/data/ingress/accept/acceptor.ts'
import { type Outcome, Peek, type PeekHost } from '../../../../../src/data/ingress/accept/peek.ts'
import { ENDLESS, Lifetime } from '../../../../../src/lib/lifetime.ts'
import { TimerWheel } from '../../../../../src/lib/timers.ts'
import { ManualClock } from '../../../../kit/clock.ts'
import { settle } from '../../../../kit/until.ts'

let clock: ManualClock
let timers: TimerWheel
let client: Duplex
let socket: Duplex
let peek: Peek
let silent: number
/** What took the connection over, and what it then got. */
let taken: { by: string; due: number; calls: string[] } | undefined
let became: Accepted | undefined

/** Speaks over what begins with `word`; a word of no octets is what takes the rest. */
function outcome(word: string, decides = true): Outcome {
  return {
    matches: (first) => {
      const text = first.toString('latin1')
      if (text.startsWith(word)) return decides || undefined
      return word.startsWith(text) ? undefined : false
    },
    accept: (socket, { due, life }) => {
      const calls: string[] = []
      taken = { by: word, due, calls }
      socket.on('data', (chunk) => void calls.push(`data ${chunk.toString('latin1')}`))
      socket.on('end', () => void calls.push('end'))
      return {
        counted: true,
        life,
        retire: () => void calls.push('retired'),
        looksIdle: () => false,
        start: (first) => void calls.push(`start ${first.toString('latin1')}`),
        turnAway: (failure) => void calls.push(`turned away ${failure.reason}`),
        end: () => void calls.push('ended'),
        destroy: () => {},
        onClosed: () => {},
      }
    },
  }
}

function begin(outcomes: PeekHost['outcomes']): void {
  const [ours, theirs] = duplexPair()
  client = theirs
  socket = ours
  taken = undefined
  became = undefined
  const host: PeekHost = {
    outcomes,
    timers,
    silent: () => void silent++,
    become: (_before, _socket, next) => {
      became = next
    },
  }
  peek = new Peek(host, ours as Socket, clock.now() + 5_000, new Lifetime(ENDLESS, 1, 0))
}

beforeEach(() => {
  clock = new ManualClock()
  timers = new TimerWheel(clock)
  silent = 0
  begin([outcome('PROXY '), outcome('PRI * '), outcome('')])
})

/** All that the connection was given, whichever way. */
function received(): string {
  return (taken?.calls ?? []).map((call) => call.replace(/^(start|data) /, '')).join('')
}

describe('the first bytes', () => {
  test.each([
    ['PROXY TCP4', 'PROXY '],
    ['PRI * HTTP/2.0', 'PRI * '],
    ['POST / HTTP/1.1', ''],
    ['GET / HTTP/1.1', ''],
    ['\0\xff', ''],
  ])('%j decide, wherever they are cut, and none of them is lost', async (text, by) => {
    for (let cut = 1; cut <= text.length; cut++) {
      begin([outcome('PROXY '), outcome('PRI * '), outcome('')])
      client.write(Buffer.from(text.slice(0, cut), 'latin1'))
      await settle(1)
      client.write(Buffer.from(text.slice(cut), 'latin1'))
      await settle(1)
      expect([taken?.by, received(), became !== undefined]).toEqual([by, text, true])
    }
    begin([outcome('PROXY '), outcome('PRI * '), outcome('')])
    for (const octet of text) {
      client.write(Buffer.from(octet, 'latin1'))
      await settle(1)
    }
    expect([taken?.by, received()]).toEqual([by, text])
  })

  test('are looked at up to a bound', async () => {
    begin([outcome('x'.repeat(1_000_000)), outcome('')])
    client.write('x'.repeat(4_095))
    await settle(1)
    expect(taken).toBe(undefined)
    client.write('x')
    await settle(1)
    expect([taken?.by, received().length]).toEqual(['', 4_096])
  })

  test('are waited for until they are due, and the rest of them no longer', async () => {
    client.write('PRO')
    await settle(1)
    clock.advance(4_900)
    expect(taken).toBe(undefined)
    clock.advance(200)
    expect([taken?.by, taken?.calls, silent]).toEqual(['', ['start PRO'], 0])
    expect((taken?.due as number) < clock.now()).toBe(true)
  })
})

describe('a client', () => {
  test('that sends nothing is closed when something was due, and counted', async () => {
    clock.advance(4_900)
    expect([silent, socket.destroyed]).toEqual([0, false])
    clock.advance(200)
    expect([silent, socket.destroyed, taken]).toEqual([1, true, undefined])
  })

  test('that closes its side in the middle is answered by what takes the rest', async () => {
    client.end('PRI')
    await settle(1)
    expect([taken?.by, taken?.calls]).toEqual(['', ['start PRI', 'end']])
  })

  test('that closes its side before a byte is closed', async () => {
    let ended = false
    client.on('end', () => {
      ended = true
    })
    client.resume()
    client.end()
    await settle(1)
    expect([ended, taken]).toEqual([true, undefined])
  })

  test('that is turned away, or ended, is so by what takes the rest', () => {
    peek.turnAway({ reason: 'connections' } as never)
    expect([taken?.by, taken?.calls]).toEqual(['', ['turned away connections']])
    begin([outcome('PRI'), outcome('')])
    peek.end()
    expect([taken?.by, taken?.calls]).toEqual(['', ['ended']])
  })

  test('that has reached its age leaves that to what takes it over, where it is ended and where it goes on', async () => {
    peek.retire()
    expect(taken).toBe(undefined)
    peek.end()
    expect(taken?.calls).toEqual(['retired', 'ended'])
    begin([outcome('PRI'), outcome('')])
    client.write('P')
    await settle(1)
    peek.retire()
    client.write('RI')
    await settle(1)
    expect([taken?.by, taken?.calls]).toEqual(['PRI', ['retired', 'start PRI']])
  })

  test('is idle a second after it was opened, unless something came', async () => {
    clock.advance(900)
    expect([peek.looksIdle(), peek.looksIdle()]).toEqual([false, false])
    clock.advance(150)
    expect(peek.looksIdle()).toBe(true)
    client.write('PR')
    await settle(1)
    expect(peek.looksIdle()).toBe(false)
  })
})

test('nothing of the peek is left once it is known what is spoken', async () => {
  client.write('GET /')
  await settle(1)
  expect(clock.timers).toBeLessThanOrEqual(1)
  clock.advance(60_000)
  expect([silent, clock.timers]).toEqual([0, 0])
  client.write(' more')
  await settle(1)
  expect(taken?.calls).toEqual(['start GET /', 'data  more'])
})
