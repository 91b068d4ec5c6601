import type { PureFeature } from '../../core/feature.ts'
import type { Refusal } from '../../core/verdict.ts'
import { fieldValues } from '../../lib/headers.ts'

const LOOP: Refusal = { reason: 'loop_detected', phase: 'request', origin: 'client' }

/** Our own name stands in `Via`: the request has been here before (RFC 9110, section 7.6.3). */
export const loopCheck: PureFeature = {
  name: 'loopCheck',
  doc: 'Refuses requests that have passed this gateway before.',
  pure: true,
  keys: {},
  places: {
    via: {
      stage: 6,
      why: 'A request in a loop comes again and again: each time it must cost as little as can be.',
    },
  },
  compile(_options, { feature: name, gateway }) {
    const own = gateway.toLowerCase()
    return {
      via: {
        name,
        admit(ex) {
          const via = fieldValues(ex.headers, 'via')
          return via !== '' && names(via, own) ? LOOP : undefined
        },
      },
    }
  },
}

/** `own`: lower-case. A member of `via` is protocol, name and an optional comment. */
function names(via: string, own: string): boolean {
  return via
    .toLowerCase()
    .split(',')
    .some((member) => member.trim().split(/[ \t]+/)[1] === own)
}
