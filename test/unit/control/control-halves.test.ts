import { expect, test } from 'vitest'
import { ControlHalves, type ControlHalvesOptions } from '../../../src/control/control-halves.ts'
import type { LeanConfig } from '../../../src/core/config.ts'
import type { ControlContext, ControlHalf } from '../../../src/core/control-feature.ts'
import type { AnyFeature, Use } from '../../../src/core/feature.ts'
import { text } from '../../../src/schema/scalars.ts'
import { HEAD } from '../../kit/lean.ts'

const toy: AnyFeature = {
  name: 'toy',
  doc: 'For tests.',
  keys: { root: text('a text'), route: text('a text'), upstream: text('a text') },
}

class Half implements ControlHalf {
  readonly answers = { name: () => this.name }
  readonly expected: Use[] = []
  readonly name = 'half'
  readonly context: ControlContext

  constructor(context: ControlContext) {
    this.context = context
  }

  expect(uses: readonly Use[]): void {
    this.expected.push(...uses)
  }

  close(): void {}
}

function started() {
  const halves: Half[] = []
  const start = (context: ControlContext): Half => {
    halves.push(new Half(context))
    return halves[0] as Half
  }
  const said: unknown[] = []
  const options = {
    loaded: [{ feature: toy, control: { start } }],
    feeds: { of: (...of: unknown[]) => said.push(of) },
    links: { command: (...told: unknown[]) => said.push(told) },
  }
  const all = new ControlHalves(options as unknown as ControlHalvesOptions)
  return { all, half: halves[0] as Half, said }
}

const CALL = { signal: new AbortController().signal, until: 0 }

test('a half answers by the names that it has, and no others', () => {
  const { all } = started()
  expect(all.answer('toy', 'name')?.(undefined, CALL)).toBe('half')
  for (const name of ['other', 'toString', '__proto__']) expect(all.answer('toy', name)).toBeUndefined()
  expect(all.answer('other', 'name')).toBeUndefined()
})

test('a half is told which uses workers are about to compile, at every level', () => {
  const { all, half } = started()
  const used = { name: 'r', to: [{ upstream: 'u', weight: 1 }], alternates: [], features: { toy: 'route' }, reach: {} }
  all.expect({
    ...HEAD,
    features: { toy: 'root' },
    upstreams: [
      { name: 'u', features: { toy: 'upstream' } },
      { name: 'v', features: {} },
    ],
    routes: [used, { ...used, name: 's', features: {} }],
  } as unknown as LeanConfig)
  expect(half.expected.map(({ at, name, options, upstreams }) => [at, name, options, upstreams])).toEqual([
    ['root', '', 'root', []],
    ['upstream', 'u', 'upstream', ['u']],
    ['route', 'r', 'route', ['u']],
  ])
})

test('feeds and commands of a half are those of its feature', async () => {
  const { half, said } = started()
  half.context.feed('keys')
  await half.context.command('purge', 7)
  expect(said).toEqual([
    ['toy', 'keys'],
    ['toy', 'purge', 7, undefined],
  ])
})
