import { defineFeature } from '../../../../src/core/feature.ts'
import { isUnavailable, type Unavailable } from '../../../../src/core/link.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { object, required, withDefault } from '../../../../src/schema/composites.ts'
import { duration, text } from '../../../../src/schema/scalars.ts'
import type { Infer } from '../../../../src/schema/schema.ts'

const keys = object({
  feed: required(text('a name'), 'What it is fed.'),
  ask: required(text('a name'), 'What it asks for each request.'),
  within: withDefault(duration(1, 60_000), '10s', 'How long it waits for an answer.'),
})

export type ToyOptions = Infer<typeof keys>

/** Asks for each request, says what it was fed, and counts until it is told to forget. */
export default defineFeature<ToyOptions>({
  name: 'toy',
  doc: 'Asks, is fed and takes commands.',
  keys: { route: keys },
  places: { toy: { stage: 48, why: 'A toy stands between who may come and what goes on.' } },
  control: () => import('./control.ts'),
  compile({ ask: name, feed: own, within }, { ask, command, exchangeState, feature, feed, keep }) {
    const fed = feed<string>(own, 'before-commit')
    const answered = exchangeState<string>('answer')
    const kept = keep('requests', () => {
      const counts = { requests: 0, news: 0 }
      command('forget', () => {
        counts.requests = 0
      })
      command('fail', () => {
        throw new Error('thrown by a test')
      })
      feed('news', 'later').changed(() => counts.news++)
      return counts
    })
    const told = (answer: string | Unavailable): string =>
      isUnavailable(answer) ? `unavailable: ${answer.unavailable}` : answer
    const toy: Policy = {
      name: feature,
      async admit(ex) {
        kept.requests++
        const { answer } = ask<string>({ name, value: ex.path }, within)
        answered.set(ex, told(await answer))
        return undefined
      },
      respond(ex) {
        const { news, requests } = kept
        ex.response?.headers.push('x-fed', fed.value ?? 'nothing', 'x-answer', answered.of(ex) ?? '')
        ex.response?.headers.push('x-requests', String(requests), 'x-news', String(news))
      },
    }
    return { toy }
  },
})
