import { describe } from 'vitest'
import { bounds } from './store/bounds.ts'
import { entries } from './store/entries.ts'
import { expiry } from './store/expiry.ts'
import { checksOf, type MakeStore } from './store/harness.ts'
import { hinting } from './store/hinting.ts'
import { leases } from './store/leases.ts'
import { model } from './store/model.ts'
import { operations } from './store/operations.ts'
import { scanning } from './store/scanning.ts'

const GROUPS = { entries, expiry, scanning, leases, operations, hinting, bounds, model }

/** What every store must do, wherever its engine is. */
export function describeStore(name: string, make: MakeStore): void {
  describe(`store ${name}`, () => {
    for (const [group, define] of Object.entries(GROUPS)) describe(group, () => define(checksOf(make)))
  })
}
