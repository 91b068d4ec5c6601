import type { Exchange } from '../../core/exchange.ts'
import { defineFeature } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import { intercepting } from './intercept.ts'
import { keys } from './keys.ts'
import { type CompiledPage, ErrorPages, isGrpc } from './pages.ts'

/** Failures in one's own words and design. */
export const errorPages = defineFeature({
  name: 'errorPages',
  doc: 'Pages that tell clients of failures, by status, in the place of those of Sluice. Those of a route go before those at the root.',
  keys: { root: keys, route: keys },
  places: {
    page: {
      stage: 145,
      why: 'It writes what a failure is told as, once nothing has taken its place; fields of the config are set after it.',
    },
  },
  compile(options, { exchangeState, feature: name, keep }) {
    const pages = new ErrorPages(options)
    const page: Policy = {
      name,
      page: (ex, failure, format) => (isGrpc(ex) ? undefined : pages.of(ex, failure, format)),
    }
    const intercepted = options.filter(({ intercept }) => intercept)
    if (intercepted.length === 0) return { page }
    const taken = keep('taken', () => new WeakSet<Exchange>())
    return { page: { ...page, ...intercepting(new ErrorPages(intercepted), exchangeState<CompiledPage>(), taken) } }
  },
})
