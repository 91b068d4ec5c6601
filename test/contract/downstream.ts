import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { settle, until } from '../kit/until.ts'
import { describeAnswerFields } from './downstream/answer-fields.ts'
import type { Scene, SceneRequest, Stage } from './downstream/scene.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** What an implementation cannot do, each with the reason. */
export interface Lacking {
  /** Breaking the framing of a body. */
  readonly malformed?: string
  /** Handing over a connection: it tells of no offer to change its protocol. */
  readonly upgrade?: string
}

/** What every downstream must do. */
export function describeDownstream(name: string, makeStage: () => Promise<Stage>, lacking: Lacking = {}): void {
  describe(`downstream ${name}`, () => {
    let stage: Stage
    const open = (request?: SceneRequest): Promise<Scene> => stage.open(request)
    beforeEach(async () => {
      stage = await makeStage()
    })
    afterEach(() => stage.stop())

    describe('the request', () => {
      test('is told as it was sent', async () => {
        const { downstream } = await open({
          method: 'PUT',
          target: '/a%2Fb/../c?x=1&y=%20',
          headers: ['X-One', '1', 'x-one', '2', 'X-Latin', 'caf\xe9'],
          contentLength: 5,
        })
        expect(downstream.method).toBe('PUT')
        expect(downstream.target).toBe('/a%2Fb/../c?x=1&y=%20')
        expect(downstream.host).toBe('shop.test')
        expect(downstream.protocol).toBe('HTTP/1.1')
        expect(downstream.contentLength).toBe(5)
        expect(downstream.upgrade).toBe(undefined)
        expect(downstream.peer).toMatchObject({ address: '127.0.0.1', secure: false, listener: 'web' })
        expect(downstream.headers.join('|')).toContain('X-One|1|x-one|2|X-Latin|caf\xe9')
      })

      test('has no body where none is announced, and one of unknown length where it comes in chunks', async () => {
        expect((await open()).downstream.contentLength).toBe(0)
        expect((await open({ method: 'POST', contentLength: -1 })).downstream.contentLength).toBe(-1)
      })
    })

    test.each([
      ['TLS/1.2', 0],
      ['websocket', 0],
      ['h2c, websocket', 4],
    ])('that offers %s is told so, with a body of %i bytes', async (protocol, contentLength) => {
      const { downstream, events, feed, feedEnd, answer } = await open({
        method: 'POST',
        headers: ['Connection', 'Upgrade', 'Upgrade', protocol],
        contentLength,
      })
      expect(downstream.upgrade).toBe(lacking.upgrade === undefined ? protocol.toLowerCase() : undefined)
      if (contentLength > 0) {
        downstream.startBody()
        feed('body')
        feedEnd()
        await until(() => events.ended)
      }
      downstream.head(200, ['content-length', '2'])
      downstream.write(bytes('ok'))
      downstream.end()
      expect(await answer()).toMatchObject({ status: 200, body: 'ok', complete: true })
      expect(events.body).toBe(contentLength > 0 ? 'body' : '')
    })

    describe('its body', () => {
      test('comes only when it is asked for, whole and in order', async () => {
        const { downstream, events, feed, feedEnd } = await open({ method: 'POST', contentLength: 10 })
        feed('hello')
        await settle()
        expect(events.names).toEqual([])
        downstream.startBody()
        await until(() => events.body === 'hello')
        feed('world')
        feedEnd()
        await until(() => events.ended)
        expect(events.body).toBe('helloworld')
        expect(downstream.bytesIn).toBe(10)
        expect(events.names).toEqual(['body', 'end'])
      })

      test('of unknown length comes with its trailers', async () => {
        const { downstream, events, feed, feedEnd } = await open({ method: 'POST', contentLength: -1 })
        downstream.startBody()
        feed('one')
        feed('two')
        feedEnd(['X-Sum', '6'])
        await until(() => events.ended)
        expect(events.body).toBe('onetwo')
        expect(events.trailers).toEqual(['X-Sum', '6'])
      })

      test('stands still while paused', async () => {
        const { downstream, events, feed, feedEnd } = await open({ method: 'POST', contentLength: 6 })
        downstream.startBody()
        feed('one')
        await until(() => events.body === 'one')
        downstream.pauseBody()
        feed('two')
        feedEnd()
        await settle(50)
        expect(events.names).toEqual(['body'])
        downstream.resumeBody()
        await until(() => events.ended)
        expect(events.body).toBe('onetwo')
      })

      test('can be paused from within its own delivery', async () => {
        const { downstream, events, feed, feedEnd } = await open({ method: 'POST', contentLength: -1 })
        events.onChunk = () => downstream.pauseBody()
        downstream.startBody()
        feed('one')
        await until(() => events.body === 'one')
        feed('two')
        feedEnd()
        await settle(50)
        expect(events.body).toBe('one')
        downstream.resumeBody()
        await until(() => events.body === 'onetwo')
        downstream.resumeBody()
        await until(() => events.ended)
      })

      test('is not told once it is discarded, and the answer goes out all the same', async () => {
        const { downstream, events, feed, feedEnd, answer } = await open({ method: 'POST', contentLength: 6 })
        downstream.discardBody()
        feed('one')
        feed('two')
        feedEnd()
        downstream.head(200, ['content-length', '2'])
        downstream.write(bytes('ok'))
        downstream.end()
        expect(await answer()).toMatchObject({ status: 200, body: 'ok', complete: true })
        await until(() => events.sent === 1)
        expect(events.names).toEqual(['sent'])
      })

      test('may be answered while it still comes', async () => {
        const { downstream, events, feed, feedEnd, answer } = await open({ method: 'POST', contentLength: -1 })
        downstream.startBody()
        downstream.head(200, [])
        events.onChunk = (chunk) => downstream.write(chunk)
        events.whenEnded = () => downstream.end()
        feed('one')
        await until(() => events.body === 'one')
        feed('two')
        feedEnd()
        expect(await answer()).toMatchObject({ body: 'onetwo', complete: true })
      })

      test.skipIf(lacking.malformed)('with broken framing can still be answered', async () => {
        const { downstream, events, leave, answer } = await open({ method: 'POST', contentLength: -1 })
        downstream.startBody()
        leave('malformed')
        await until(() => events.gone === 'malformed')
        downstream.closeAfter()
        downstream.discardBody()
        downstream.head(400, ['content-length', '3'])
        downstream.write(bytes('bad'))
        downstream.end()
        expect(await answer()).toMatchObject({ status: 400, body: 'bad', complete: true })
        await until(() => events.sent === 1)
      })

      test('that falls silent can still be answered', async () => {
        const { downstream, events, leave, answer } = await open({ method: 'POST', contentLength: 100 })
        downstream.startBody()
        leave('too_slow')
        await until(() => events.gone === 'too_slow')
        downstream.discardBody()
        downstream.head(408, ['content-length', '4'])
        downstream.write(bytes('slow'))
        downstream.end()
        expect(await answer()).toMatchObject({ status: 408, body: 'slow', complete: true })
      })
    })

    describe('the answer', () => {
      test('with a length arrives as it was given', async () => {
        const { downstream, events, answer } = await open()
        expect(downstream.head(203, ['Content-Length', '6', 'X-A', '1', 'x-a', '2', 'X-L', 'caf\xe9'])).toBe(true)
        downstream.write(bytes('abc'))
        downstream.write(bytes('\xe9\xff\x00'))
        downstream.end()
        const seen = await answer()
        expect(seen).toMatchObject({ status: 203, body: 'abc\xe9\xff\x00', complete: true })
        expect(seen.headers.join('|')).toContain('X-A|1|x-a|2|X-L|caf\xe9')
        await until(() => events.sent === 1)
        expect(downstream.bytesOut).toBe(6)
        expect(events.names).toEqual(['sent'])
      })

      test('without a length ends where it ends, with trailers', async () => {
        const { downstream, answer } = await open()
        downstream.head(200, ['X-A', '1'])
        downstream.write(bytes('part'))
        downstream.trailers(['X-Sum', '4', 'x-sum', '5'])
        downstream.end()
        const seen = await answer()
        expect(seen).toMatchObject({ body: 'part', complete: true })
        expect(seen.trailers).toEqual(['X-Sum', '4', 'x-sum', '5'])
      })

      test('may have an empty body, with and without a length', async () => {
        for (const headers of [['content-length', '0'], []]) {
          const { downstream, events, answer } = await open()
          downstream.head(200, headers)
          downstream.end()
          expect(await answer()).toMatchObject({ body: '', complete: true })
          await until(() => events.sent === 1)
        }
      })

      test('to HEAD, and of 204 and 304, has no body whatever is written', async () => {
        for (const [method, status] of [
          ['HEAD', 200],
          ['GET', 204],
          ['GET', 304],
        ] as const) {
          const { downstream, events, answer } = await open({ method })
          downstream.head(status, ['content-length', '5', 'etag', '"x"'])
          downstream.write(bytes('12345'))
          downstream.end()
          const seen = await answer()
          expect(seen).toMatchObject({ status, body: '', complete: true })
          await until(() => events.sent === 1)
          expect(downstream.bytesOut).toBe(0)
        }
      })

      test('comes after the 1xx answers', async () => {
        const { downstream, answer } = await open()
        downstream.informational(102, [])
        downstream.informational(103, ['Link', '</a>; rel=preload', 'link', '</b>; rel=preload'])
        downstream.informational(100, [])
        downstream.informational(101, [])
        downstream.head(200, ['content-length', '0'])
        downstream.informational(103, ['link', 'too late'])
        downstream.end()
        const seen = await answer()
        expect(seen.status).toBe(200)
        expect(seen.informationals).toEqual([
          [102, []],
          [103, ['Link', '</a>; rel=preload', 'link', '</b>; rel=preload']],
        ])
      })

      test('waits for a client that does not read, and goes on when it does', async () => {
        const { downstream, events, block, unblock, answer } = await open()
        block()
        downstream.head(200, [])
        const chunk = Buffer.alloc(65_536, 97)
        let written = 0
        let drains = 0
        for (;;) {
          const room = downstream.write(chunk)
          written += chunk.length
          if (written > 64_000_000) throw new Error('never held back')
          if (room) continue
          await settle(50)
          if (events.drains === drains) break
          drains = events.drains
        }
        unblock()
        await until(() => events.drains === drains + 1)
        downstream.end()
        expect((await answer()).body.length).toBe(written)
        expect(downstream.bytesOut).toBe(written)
      })

      test('goes out as it was given, whatever becomes of the memory that was borrowed', async () => {
        for (const length of [undefined, 'known'] as const) {
          const { downstream, events, block, unblock, answer } = await open()
          const sizes = [1, 500, 513, 8_192, 8_193, 16_384, 16_385, 65_536]
          const times = 100
          const total = times * sizes.reduce((sum, size) => sum + size, 0)
          let expected = ''
          block()
          downstream.head(200, length === undefined ? [] : ['content-length', String(total)])
          for (let i = 0; i < times; i++) {
            for (const size of sizes) {
              const chunk = Buffer.alloc(size, 97 + (expected.length % 26))
              expected += chunk.toString('latin1')
              downstream.write(chunk)
              if (size <= (downstream.borrows ?? 0) || downstream.keeps === false) chunk.fill('?')
            }
            // Behind the turn of the head, and once more while the client reads.
            if (i === 30) await settle(5)
            if (i === 60) unblock()
            if (i > 60) await settle(1)
          }
          downstream.end()
          const { body, complete } = await answer()
          expect(complete).toBe(true)
          expect(body === expected).toBe(true)
          await until(() => events.sent === 1)
        }
      })

      test('goes out as it was given while others are written, though its client does not read', async () => {
        const slow = await open()
        slow.block()
        slow.downstream.head(200, [])
        let expected = ''
        let drains = 0
        for (;;) {
          if (expected.length > 64_000_000) throw new Error('never held back')
          expected += 'a'.repeat(10_000)
          if (slow.downstream.write(Buffer.alloc(10_000, 'a'))) continue
          await settle(50)
          if (slow.events.drains === drains) break
          drains = slow.events.drains
        }
        const other = await open()
        other.downstream.head(200, ['content-length', '10000'])
        other.downstream.write(Buffer.alloc(10_000, 'b'))
        other.downstream.end()
        expect((await other.answer()).body === 'b'.repeat(10_000)).toBe(true)
        slow.unblock()
        slow.downstream.end()
        expect((await slow.answer()).body === expected).toBe(true)
      })

      test('shorter than announced is broken, not ended', async () => {
        const { downstream, events, answer } = await open()
        downstream.head(200, ['content-length', '10'])
        downstream.write(bytes('four'))
        await settle()
        downstream.end()
        expect(await answer()).toMatchObject({ complete: false })
        await until(() => events.gone === 'inconsistent')
        expect(events.names).toEqual(['gone'])
        expect(downstream.gone).toBe(true)
      })

      test('longer than announced is broken, and nothing of the surplus goes out', async () => {
        const { downstream, events, answer } = await open()
        downstream.head(200, ['content-length', '6'])
        downstream.write(bytes('four'))
        await settle()
        downstream.write(bytes('surplus'))
        downstream.end()
        const seen = await answer()
        expect(seen.complete).toBe(false)
        expect(seen.body).not.toContain('s')
        await until(() => events.gone === 'inconsistent')
      })

      test('that is reset is seen broken, and tells nothing more', async () => {
        for (const headers of [['content-length', '10'], []]) {
          const { downstream, events, answer } = await open()
          downstream.head(200, headers)
          downstream.write(bytes('four'))
          await settle()
          downstream.reset()
          downstream.write(bytes('more'))
          downstream.end()
          expect(await answer()).toMatchObject({ complete: false })
          await settle(50)
          expect(events.names).toEqual([])
        }
      })

      test('whose head cannot be written is refused, and another may follow', async () => {
        for (const headers of [
          ['x-bad', 'line\nbreak'],
          ['x-bad', 'nul\x00'],
          ['x-bad', 'wide \u20ac'],
          ['content-length', 'ten'],
          ['content-length', '3', 'content-length', '3'],
          ['transfer-encoding', 'chunked'],
        ]) {
          const { downstream, answer } = await open()
          expect(downstream.head(200, headers)).toBe(false)
          expect(downstream.head(502, ['content-length', '3'])).toBe(true)
          downstream.write(bytes('bad'))
          downstream.end()
          expect(await answer()).toMatchObject({ status: 502, body: 'bad', complete: true })
        }
      })

      test('without a head is broken', async () => {
        const { downstream, events } = await open()
        downstream.write(bytes('body'))
        await until(() => events.gone === 'inconsistent')
      })

      // A status without a body must not leave its mark on the answer that takes its place.
      test.each([204, 304, 200])(
        '%i whose head cannot be written is refused, and one with a body may follow',
        async (status) => {
          for (const method of ['GET', 'HEAD']) {
            const { downstream, events, answer } = await open({ method })
            expect(downstream.head(status, ['content-length', '0', 'x-bad', 'nul\x00'])).toBe(false)
            expect(downstream.head(502, ['content-length', '3'])).toBe(true)
            downstream.write(bytes('bad'))
            downstream.end()
            const body = method === 'HEAD' ? '' : 'bad'
            expect(await answer()).toMatchObject({ status: 502, body, complete: true })
            await until(() => events.sent === 1)
            expect(events.names).toEqual(['sent'])
          }
        },
      )

      test('is over when it was sent or reset, and says so', async () => {
        const sent = await open()
        expect(sent.downstream.gone).toBe(false)
        sent.downstream.head(200, ['content-length', '0'])
        sent.downstream.end()
        await until(() => sent.events.sent === 1)
        expect(sent.downstream.gone).toBe(true)
        const reset = await open()
        reset.downstream.reset()
        expect(reset.downstream.gone).toBe(true)
      })

      test('has one head and one end', async () => {
        const { downstream, events, answer } = await open()
        downstream.head(200, ['content-length', '2'])
        downstream.head(500, [])
        downstream.write(bytes('ok'))
        downstream.end()
        downstream.end()
        downstream.write(bytes('more'))
        expect(await answer()).toMatchObject({ status: 200, body: 'ok', complete: true })
        await until(() => events.sent === 1)
        await settle()
        expect(events.names).toEqual(['sent'])
      })
    })

    describeAnswerFields(open)

    describe('a client that leaves', () => {
      test('before the head is told once, and nothing is asked of it any more', async () => {
        const { downstream, events, leave } = await open()
        leave('closed')
        await until(() => events.gone === 'closed')
        expect(downstream.gone).toBe(true)
        downstream.informational(103, [])
        downstream.head(200, ['content-length', '2'])
        expect(downstream.write(bytes('ok'))).toBe(true)
        downstream.trailers(['x', '1'])
        downstream.end()
        downstream.startBody()
        downstream.pauseBody()
        downstream.resumeBody()
        downstream.discardBody()
        downstream.closeAfter()
        downstream.reset()
        await settle()
        expect(events.names).toEqual(['gone'])
      })

      test('in the middle of its body', async () => {
        const { downstream, events, feed, leave } = await open({ method: 'POST', contentLength: 100 })
        downstream.startBody()
        feed('one')
        await until(() => events.body === 'one')
        leave('closed')
        await until(() => events.gone === 'closed')
        expect(events.names).toEqual(['body', 'gone'])
      })

      test('in the middle of the answer', async () => {
        const { downstream, events, leave } = await open()
        downstream.head(200, [])
        downstream.write(bytes('part'))
        await settle()
        leave('closed')
        await until(() => events.gone === 'closed')
        downstream.write(bytes('more'))
        downstream.end()
        await settle()
        expect(events.names).toEqual(['gone'])
      })
    })
  })
}
