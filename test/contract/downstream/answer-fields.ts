import { describe, expect, test } from 'vitest'
import type { FlatHeaders } from '../../../src/lib/headers.ts'
import { settle } from '../../kit/until.ts'
import type { Scene, SceneRequest, SeenAnswer } from './scene.ts'

/** In latin1, in UTF-8, in neither, and all that a value may hold. */
const VALUES = [
  'attachment; filename="caf\xe9.txt"',
  'attachment; filename="caf\xc3\xa9.txt"',
  '\x80\xff\xc3',
  'a\tb "\\" \xa0\x7e!',
  '',
]
const NAMES = [
  'Content-Disposition',
  'content-disposition',
  'Location',
  'Set-Cookie',
  'ETag',
  'Date',
  "x!#$%&'*+.^_`|~1",
]
const FIELDS: FlatHeaders = NAMES.flatMap((name) => VALUES.flatMap((value) => [name, value]))
/** Fields whose presence, in front or behind, must not change what becomes of others. */
const NEIGHBOURS: FlatHeaders[] = [
  [],
  ['Expect', '100-continue'],
  ['Trailer', 'X-Sum'],
  ['Date', 'soon'],
  ['TE', 'trailers'],
]

/** RFC 9110, section 5.5: values are octets to whoever passes them on, and the order of different fields means nothing. */
export function describeAnswerFields(open: (request?: SceneRequest) => Promise<Scene>): void {
  const answer = async (scene: Scene, status: number, headers: FlatHeaders): Promise<SeenAnswer> => {
    expect(scene.downstream.head(status, headers)).toBe(true)
    scene.downstream.write(Buffer.from('body'))
    scene.downstream.end()
    const seen = await scene.answer()
    expect(seen).toMatchObject({ status, complete: true })
    return seen
  }

  describe('fields of the answer', () => {
    test('go out octet for octet, whatever stands beside them, in front or behind', async () => {
      for (const near of NEIGHBOURS)
        for (const length of [[], ['Content-Length', '4'], ['content-length', '4']])
          for (const headers of [
            [...length, ...near, ...FIELDS],
            [...FIELDS, ...near, ...length],
          ]) {
            const seen = await answer(await open(), 200, headers)
            expect(seen.body).toBe('body')
            for (const name of NAMES) for (const value of VALUES) expect(valuesOf(seen.headers, name)).toContain(value)
          }
    })

    test.each(['HEAD', 'GET'])('go out octet for octet where there is no body: %s', async (method) => {
      for (const status of method === 'HEAD' ? [200, 304] : [204, 304])
        for (const value of VALUES) {
          const seen = await answer(await open({ method }), status, [
            'Content-Length',
            '4',
            'Content-Disposition',
            value,
          ])
          expect(valuesOf(seen.headers, 'content-disposition')).toEqual([value])
        }
    })

    test('of the same name keep their order', async () => {
      const headers = [
        'X-A',
        '1',
        'content-length',
        '4',
        'Content-Disposition',
        '2',
        'x-a',
        '3',
        'content-disposition',
        '4',
      ]
      const seen = await answer(await open(), 200, headers)
      expect(valuesOf(seen.headers, 'x-a')).toEqual(['1', '3'])
      expect(valuesOf(seen.headers, 'content-disposition')).toEqual(['2', '4'])
    })

    test('announce trailers only where some can follow', async () => {
      const trailer = ['Trailer', 'X-Sum', 'X-A', '1', 'trailer', 'X-Other']
      const length = ['Content-Length', '4']
      const without: [SceneRequest, number, FlatHeaders][] = [
        [{ method: 'HEAD' }, 200, trailer],
        [{ method: 'HEAD' }, 200, [...length, ...trailer]],
        [{ protocol: 'HTTP/1.0' }, 200, trailer],
        [{ protocol: 'HTTP/1.0' }, 200, [...trailer, ...length]],
        [{}, 200, [...length, ...trailer]],
        [{}, 200, [...trailer, ...length]],
        [{}, 204, trailer],
        [{}, 204, [...length, ...trailer]],
        [{}, 304, trailer],
        [{}, 304, [...trailer, ...length]],
      ]
      for (const [request, status, headers] of without) {
        const seen = await answer(await open(request), status, headers)
        expect(valuesOf(seen.headers, 'trailer')).toEqual([])
        expect(valuesOf(seen.headers, 'x-a')).toEqual(['1'])
      }
      const seen = await answer(await open(), 200, trailer)
      expect(valuesOf(seen.headers, 'trailer')).toEqual(['X-Sum', 'X-Other'])
    })

    test.each([204, 304])(
      'that cannot be written are refused with %i too, and another head may follow',
      async (status) => {
        for (const headers of [
          ['x-bad', 'nul\x00'],
          ['x-bad', 'wide \u20ac'],
          ['x bad', '1'],
          ['', '1'],
        ]) {
          const scene = await open()
          expect(scene.downstream.head(status, headers)).toBe(false)
          expect(await answer(scene, 502, ['content-length', '4'])).toMatchObject({ body: 'body' })
        }
      },
    )

    test('of a 1xx and of trailers go out octet for octet as well', async () => {
      const { downstream, answer: seen } = await open()
      downstream.informational(103, FIELDS)
      downstream.head(200, [])
      downstream.write(Buffer.from('body'))
      downstream.trailers(FIELDS)
      downstream.end()
      const { informationals, trailers } = await seen()
      expect(informationals).toEqual([[103, FIELDS]])
      expect(trailers).toEqual(FIELDS)
    })

    test('of a 1xx or of trailers that cannot be written cost nothing but themselves', async () => {
      for (const bad of [
        ['x-bad', 'nul\x00'],
        ['x-bad', '\u20ac'],
        ['x bad', '1'],
      ]) {
        const { downstream, answer: seen } = await open()
        downstream.informational(103, bad)
        downstream.informational(103, ['link', '</a>'])
        downstream.head(200, [])
        downstream.write(Buffer.from('body'))
        downstream.trailers(['x-a', '1', ...bad, 'x-b', '2'])
        downstream.end()
        expect(await seen()).toMatchObject({
          informationals: [[103, ['link', '</a>']]],
          body: 'body',
          trailers: ['x-a', '1', 'x-b', '2'],
          complete: true,
        })
      }
    })

    test('of 1xx answers that the client does not read are left out', async () => {
      const { downstream, block, unblock, answer: seen } = await open()
      block()
      const headers = ['link', 'x'.repeat(60_000)]
      for (let i = 0; i < 250; i++) {
        downstream.informational(103, headers)
        if (i % 50 === 0) await settle(1)
      }
      unblock()
      downstream.head(200, ['content-length', '0'])
      downstream.end()
      const { informationals, status, complete } = await seen()
      expect({ status, complete }).toEqual({ status: 200, complete: true })
      expect(informationals.length).toBeLessThan(250)
    })
  })
}

function valuesOf(headers: FlatHeaders, name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name.toLowerCase())
}
