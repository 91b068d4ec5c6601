import { expect, test } from 'vitest'
import { differential } from '../../fuzz/differential.ts'
import { KINDS } from '../../fuzz/request-inputs.ts'

const SEED = 20_261_130

test.each([
  ['in memory', { cases: 6_000, sockets: false }],
  ['over sockets', { cases: 1_000, sockets: true }],
])(
  'on the same bytes our own server takes nothing that node:http refuses, but for what is listed: %s',
  async (_, options) => {
    const { cases, counts, differences, kinds } = await differential({ ...options, seed: SEED })
    expect(differences).toEqual([])
    // The inputs are no nonsense, and every kind of fault is among them.
    expect(counts['taken by both']).toBeGreaterThan(cases / 4)
    expect(KINDS.filter((kind) => kinds[kind] < cases / 100)).toEqual([])
  },
  240_000,
)
