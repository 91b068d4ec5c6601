import { expect, test } from 'vitest'
import { CASES } from './compare/cases.ts'
import { CONTENDERS } from './compare/gateways.ts'
import { measure } from './compare/measure.ts'

const CASE = CASES.find(({ scenario }) => scenario.name === 'endpoint-fails')

for (const contender of CONTENDERS) {
  const missing = contender.version() === undefined && process.env.CI !== 'true'
  if (missing)
    process.stdout.write(`skipped: ${contender.name} is not installed; scripts/install-system-deps.sh installs it\n`)
  test.skipIf(missing)(
    `${contender.name} is put through a failure, and what clients and endpoints saw is counted`,
    async () => {
      if (CASE === undefined) throw new Error('no such case')
      const { failed, goodput, p99, sent } = await measure(CASE, contender, 'short')
      expect(sent, 'the sick endpoint was asked').toBeGreaterThan(0)
      expect(goodput).toBeGreaterThan(0)
      expect(p99).toBeGreaterThan(0)
      expect(failed, 'another endpoint was asked instead').toBeLessThan(5)
    },
  )
}
