import { describe, expect, it } from 'vitest'
import { readArgs } from '../../bench/args.ts'

const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name)

describe('arguments of the bench', () => {
  it('compares all peers in all scenarios when nothing is asked for', () => {
    const wanted = readArgs([])
    expect(wanted.mode.name).toBe('peers')
    expect(names(wanted.peers)).toEqual(
      expect.arrayContaining([
        'nginx',
        'haproxy',
        'caddy',
        '@fastify/http-proxy',
        'fast-proxy',
        'lean',
        'bare',
        'sluice',
      ]),
    )
    expect(names(wanted.scenarios)).toEqual(['small', 'json10k', 'body1m', 'post1k'])
    expect(wanted).toMatchObject({
      reference: 'nginx',
      seconds: 2,
      rounds: 6,
      require: false,
      out: undefined,
      whole: true,
    })
  })

  it('requires what the issue of speed requires', () => {
    const bounds = readArgs([]).bounds.map(({ to, scenario, atMost, kind, of = 'cpu' }) =>
      [to, scenario, of, atMost, kind].join(' '),
    )
    expect(bounds).toEqual([
      'lean small cpu 1.3 bar',
      'lean small cpu µs 8 bar',
      'nginx small cpu 1.35 aim',
      '@fastify/http-proxy small cpu 0.45 aim',
      'caddy small cpu 0.5 aim',
      'nginx json10k cpu 1.8 bar',
      'nginx json10k p99 2 bar',
      'nginx post1k cpu 1.5 bar',
      'nginx body1m cpu 1.25 bar',
    ])
    expect(readArgs(['--workers']).bounds).toMatchObject([{ to: 'workers-1', atMost: 1.1 }])
    expect(readArgs(['--routes']).bounds).toMatchObject(
      ['spread', 'hot'].map((scenario) => ({ peer: 'routes-10000', to: 'routes-10', scenario, atMost: 1.1 })),
    )
  })

  it('takes a choice, requires only what it can judge, and does not keep its results', () => {
    const wanted = readArgs(['--peers', 'sluice,lean', '--scenarios', 'small', '--seconds', '1', '--rounds', '6'])
    expect(names(wanted.peers)).toEqual(['sluice', 'lean'])
    expect(names(wanted.scenarios)).toEqual(['small'])
    expect(wanted).toMatchObject({ bounds: [{ to: 'lean' }, { to: 'lean' }], reference: 'sluice' })
    expect(wanted.whole).toBe(false)
  })

  it('does not keep what fewer than six rounds gave', () => {
    expect(readArgs(['--rounds', '5']).whole).toBe(false)
    expect(readArgs(['--rounds', '6']).whole).toBe(true)
  })

  it.each([
    ['an unknown peer', ['--peers', 'apache'], /no peer apache; there are nginx/],
    ['a peer of another mode', ['--workers', '--peers', 'nginx'], /no peer nginx; there are workers-1/],
    ['an unknown scenario', ['--scenarios', 'large'], /no scenario large; there are small/],
    ['a broken number', ['--seconds', '1.5'], /--seconds: a whole number from 1 to 120/],
    ['no rounds', ['--rounds', '0'], /--rounds: a whole number from 1 to 50/],
    ['an unknown option', ['--floor'], /--floor/],
    ['two modes', ['--workers', '--costs'], /one of --workers, --costs at a time/],
    ['a requirement where there is none', ['--costs', '--require'], /nothing is required/],
    ['a requirement whose peers were not chosen', ['--peers', 'nginx', '--require'], /nothing is required/],
  ])('refuses %s', (_, args, message) => expect(() => readArgs(args)).toThrow(message))
})
