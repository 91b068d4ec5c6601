import { describe, expect, it } from 'vitest'
import { BAD_IGNORE, lintsOf } from '../../../../src/config/judge/lints/index.ts'
import { FEATURES } from '../../../../src/features/index.ts'
import { found } from '../../../kit/lints.ts'

describe.each([...(await lintsOf(FEATURES)), BAD_IGNORE].map((lint) => [lint.name, lint] as const))(
  '%s',
  (name, { example, better }) => {
    it('finds its example, and nothing else does', async () => {
      expect((await found(example)).map((text) => text.split(' ')[1])).toEqual([name])
    })

    it('finds nothing in the better one', async () => {
      expect(await found(better)).toEqual([])
    })
  },
)
