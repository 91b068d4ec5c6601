import { describe, expect, test } from 'vitest'
import { answers } from './transport/answers.ts'
import { failures } from './transport/failures.ts'
import { flow } from './transport/flow.ts'
import { checks, type MakeTransport, type Skips } from './transport/harness.ts'
import { malformed } from './transport/malformed.ts'
import { requests } from './transport/requests.ts'
import { tls } from './transport/tls.ts'

const GROUPS = { requests, answers, flow, failures, malformed, tls }

export type Group = keyof typeof GROUPS

/**
 * What every transport must do, over real sockets. `skips`: names of single tests, or of whole groups, that an
 * implementation can't take, each with the reason.
 */
export function describeTransport(name: string, make: MakeTransport, skips: Skips = {}): void {
  describe(`transport ${name}`, () => {
    const seen = new Set<string>()
    for (const [group, define] of Object.entries(GROUPS)) {
      seen.add(group)
      const reason = skips[group]
      describe.skipIf(reason !== undefined)(reason === undefined ? group : `${group} (${reason})`, () => {
        define(checks(make, skips, seen))
      })
    }
    test('every skip names a test', () => {
      expect(Object.keys(skips).filter((skip) => !seen.has(skip))).toEqual([])
    })
  })
}
