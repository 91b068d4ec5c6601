import { defineFeature } from '../../../../src/core/feature.ts'
import { isUnavailable } from '../../../../src/core/link.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { STORE_NAMES, type StoreName } from '../../../../src/core/store.ts'
import { object, required } from '../../../../src/schema/composites.ts'
import { oneOf } from '../../../../src/schema/scalars.ts'

const keys = object({ store: required(oneOf(...STORE_NAMES), 'Where it counts.') })

/** Counts requests in a store, over all workers, and tells the count; and the hints that its worker has heard. */
export default defineFeature<{ readonly store: StoreName }>({
  name: 'tally',
  doc: 'Counts requests in a store.',
  keys: { route: keys },
  places: { tally: { stage: 48, why: 'A toy stands between who may come and what goes on.' } },
  control: () => import('./control.ts'),
  compile({ store: name }, { exchangeState, feature, keep, store }) {
    const told = exchangeState<string>('told')
    const own = store(name)
    const heard = keep(`hints ${name}`, () => {
      const hints: string[] = []
      own.subscribe('news', (hint) => hints.push(hint))
      return hints
    })
    const policy: Policy = {
      name: feature,
      async admit(ex) {
        const counts = await own.run('add', ['requests'], { by: 1 })
        told.set(ex, isUnavailable(counts) ? counts.unavailable : `${counts[0]}`)
        return undefined
      },
      respond(ex) {
        ex.response?.headers.push('x-count', told.of(ex) ?? '', 'x-heard', heard.join(' '))
      },
    }
    return { tally: policy }
  },
})
