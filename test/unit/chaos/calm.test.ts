import { expect, test } from 'vitest'
import { calmTable, calmVerdicts } from '../../chaos/compare/calm.ts'
import type { Row } from '../../chaos/compare/page.ts'

function row(name: string, p99: Readonly<Record<string, number>>): Row {
  const figures = new Map(Object.entries(p99).map(([gateway, calmP99]) => [gateway, { calmP99 }]))
  return { about: { scenario: { name } }, figures } as unknown as Row
}

test('where nothing fails, the p99 of Sluice is judged beside that of nginx', () => {
  const verdicts = calmVerdicts([
    row('near', { Sluice: 13.4, nginx: 12.4, HAProxy: 1 }),
    row('far', { Sluice: 13.5, nginx: 12.4 }),
    row('no answer', { Sluice: Number.NaN, nginx: 12 }),
    row('alone', { Sluice: 1, HAProxy: 1 }),
  ])
  expect(verdicts.map(({ holds, name }) => [name, holds])).toEqual([
    ['near', true],
    ['far', false],
    ['no answer', false],
  ])
  expect(calmTable(verdicts).split('\n').slice(2, 4)).toEqual([
    '| `near` | 13.4 ms | 12.4 ms | yes |',
    '| `far` | 13.5 ms | 12.4 ms | **no** |',
  ])
})
