import {
  defineFeature,
  duration,
  type Exchange,
  type FeatureContext,
  fieldValue,
  type Infer,
  object,
  type Policy,
  type Reply,
  size,
  type Verdict,
  type WholeReply,
  withDefault,
} from 'sluice'

const keys = object({
  fresh: withDefault(duration(), '10s', 'Time for which an answer is given again as it is.'),
  stale: withDefault(duration(), '5m', 'Time for which it is given again while a new one is fetched behind it.'),
  max: withDefault(size(1, 10_000_000), '64KiB', 'Largest body that is remembered.'),
})

/** An answer, and since when. */
interface Remembered {
  readonly reply: WholeReply
  readonly at: number
}

/** Remembers answers to GET in the memory of each worker, and refreshes them in the background. */
export default defineFeature({
  name: 'remember',
  doc: 'Gives answers again that were given before, and refreshes them in the background.',
  keys: { route: keys },
  places: {
    remember: { stage: 85, why: 'Behind access and all that shapes the request, in front of what limits attempts.' },
  },
  compile: (options, context) => ({ remember: new Remember(options, context) }),
})

const MOST = 1_000
/** Their answers are for one client, or for a part. */
const PERSONAL = ['authorization', 'cookie', 'range']
/** What the client already has is not what the memory has. */
const CONDITIONS = /^(if-|cache-control$|pragma$)/i

class Remember implements Policy {
  readonly name: string
  private readonly options: Infer<typeof keys>
  private readonly context: FeatureContext
  /** Of this worker, over all generations; the oldest goes first. */
  private readonly answers: Map<string, Remembered>
  /** What is fetched now: requests for the same wait for one answer. */
  private readonly fetching = new Map<string, Promise<WholeReply | undefined>>()

  constructor(options: Infer<typeof keys>, context: FeatureContext) {
    this.name = context.feature
    this.options = options
    this.context = context
    this.answers = context.keep(context.use.name, () => new Map())
  }

  admit(ex: Exchange): Verdict | Promise<Verdict> {
    if (ex.method !== 'GET' || ex.downstream.contentLength !== 0) return undefined
    if (PERSONAL.some((name) => fieldValue(ex.headers, name) !== undefined)) return undefined
    const key = `${ex.downstream.authority} ${ex.path}${ex.query}`
    const known = this.answers.get(key)
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.context.clock.now() - known.at
    if (age > this.options.fresh) {
      const fetched = this.fetch(key, ex)
      if (age > this.options.fresh + this.options.stale) return fetched
    }
    return known && again(known.reply, age)
  }

  /** The rest of this chain without the client: a background request that outlives this one. */
  private fetch(key: string, ex: Exchange): Promise<WholeReply | undefined> {
    const running = this.fetching.get(key)
    if (running !== undefined) return running
    const { clock, services } = this.context
    const headers = services.forwardHeaders(ex).flatMap((name, i, all) => {
      return i % 2 === 0 && !CONDITIONS.test(name) ? [name, all[i + 1] as string] : []
    })
    const { result } = services.fork(ex, { behind: 'remember', headers, maxBody: this.options.max })
    const fetched = result.then((answer) => {
      this.fetching.delete(key)
      if ('reason' in answer || !mayBeShared(answer)) return undefined
      const oldest = this.answers.keys().next()
      if (this.answers.size >= MOST && oldest.done === false) this.answers.delete(oldest.value)
      this.answers.delete(key)
      this.answers.set(key, { reply: answer, at: clock.now() })
      return answer
    })
    this.fetching.set(key, fetched)
    return fetched
  }
}

/** Of a 200 that is the same for all clients. */
function mayBeShared({ headers, status }: Reply): boolean {
  const control = fieldValue(headers, 'cache-control') ?? ''
  if (status !== 200 || /no-store|private/i.test(control)) return false
  return fieldValue(headers, 'set-cookie') === undefined && fieldValue(headers, 'vary') === undefined
}

function again({ body, headers, status }: WholeReply, age: number): WholeReply {
  return { status, headers: [...headers, 'age', String(Math.floor(age / 1_000))], body }
}
