import { describe } from 'vitest'
import { answers } from './transport/answers.ts'
import { failures } from './transport/failures.ts'
import { flow } from './transport/flow.ts'
import { checks, type MakeTransport } from './transport/harness.ts'
import { malformed } from './transport/malformed.ts'
import { requests } from './transport/requests.ts'
import { tls } from './transport/tls.ts'
import { upgrades } from './transport/upgrades.ts'

const GROUPS = { requests, answers, flow, failures, malformed, tls, upgrades }

/** What every transport must do, over real sockets. */
export function describeTransport(name: string, make: MakeTransport): void {
  describe(`transport ${name}`, () => {
    for (const [group, define] of Object.entries(GROUPS)) describe(group, () => define(checks(make)))
  })
}
