import { expect, test } from 'vitest'
import { differential } from '../../kit/http1-differential.ts'

test('on the same bytes our own server takes nothing that node:http refuses, but for what is listed', async () => {
  const { differences, same } = await differential(1_500, 20_261_130)
  expect(differences).toEqual([])
  // The inputs are no nonsense.
  expect(same).toBeGreaterThan(400)
}, 120_000)
