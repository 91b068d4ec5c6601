import type { AnyFeature, KeyPlace } from '../core/feature.ts'
import { flag, func, having, isTable, listOf, must, one, type Say, type ShapeCheck, sentence, table } from './checks.ts'

/** The key in YAML, and a part of names elsewhere. */
const NAME = /^[a-z][A-Za-z0-9]{0,63}$/
/** https://prometheus.io/docs/concepts/data_model/ */
const METRIC = /^[a-z_][a-z0-9_]*$/
/** What answers have beside the lists of what lasts. */
const ANSWERED = new Set(
  'version gateway uptimeMs generation config drain workers listeners upstreams lasting routes at hash endpoints events fields links total recoveries idleLimits instance startedAt reload'.split(
    ' ',
  ),
)

const name: ShapeCheck = must(
  (value) => typeof value === 'string' && NAME.test(value) && !(value in Object.prototype),
  'a name such as auditHeader',
)
const label: ShapeCheck = must((value) => typeof value === 'string' && METRIC.test(value), 'the name of a label')

const schema: ShapeCheck = (value, at, say) => {
  if (!isTable(value) || typeof value.read !== 'function' || !isTable(value.json) || typeof value.expected !== 'string')
    say(at, 'is not a schema; make one with text(), integer(), object() and the others that sluice exports')
}

const place: ShapeCheck = having(
  {
    stage: must((value) => typeof value === 'number' && value >= 0 && value <= 1000, 'a number from 0 to 1000'),
    why: sentence,
  },
  ['stage', 'why'],
)

const named =
  (check: ShapeCheck): ShapeCheck =>
  (value, at, say) => {
    table(check)(value, at, say)
    if (!isTable(value)) return
    for (const own of Object.keys(value)) if (!METRIC.test(own)) say(`${at}.${own}`, 'is not the name of a metric')
  }

const metric = having({ kind: one('counter', 'gauge', 'histogram'), help: sentence, labels: listOf(label) }, [
  'kind',
  'help',
  'labels',
])

const facts = table(having({ type: one('string', 'number', 'boolean'), doc: sentence }, ['type', 'doc']))
const decision = having({ doc: sentence, facts, sentence: func, event: sentence, story: flag }, [
  'doc',
  'facts',
  'sentence',
])
const log = having({ level: one('info', 'warn'), message: sentence }, ['level', 'message'])
const counter = having({ metric: sentence, labels: func }, ['metric', 'labels'])
const event = having({ log, counter }, ['log'])
const state = having({ doc: sentence, level: one('good', 'warn', 'bad'), facts, log, sentence: func }, [
  'doc',
  'level',
  'facts',
  'log',
  'sentence',
])

const lasting: ShapeCheck = (value, at, say) => {
  const list: ShapeCheck = (own, below, tell) => {
    name(own, below, tell)
    if (ANSWERED.has(String(own))) tell(below, `${String(own)} is something else in the answers of the API`)
  }
  const forced = having({ path: sentence, to: listOf(sentence), release: sentence, doc: sentence })
  const told = { labels: listOf(sentence), states: table(state), counter, gauge: sentence, forced, read: func }
  const needed = ['kind', 'list', 'title', 'normal', 'labels', 'states', 'read']
  having({ kind: name, list, title: sentence, normal: sentence, ...told }, needed)(value, at, say)
  if (isTable(value) && isTable(value.states) && !Object.hasOwn(value.states, String(value.normal)))
    say(`${at}.normal`, `${String(value.normal)} is none of its states`)
}

/** Of an object whose functions are called; the rest is up to it. */
const functions =
  (...needed: readonly string[]): ShapeCheck =>
  (value, at, say) => {
    if (!isTable(value)) return say(at, 'is not an object')
    for (const one of needed) if (typeof value[one] !== 'function') say(`${at}.${one}`, 'is not a function')
  }

const KEYS = {
  root: schema,
  listener: schema,
  upstream: schema,
  loadBalancing: schema,
  route: schema,
} satisfies Record<KeyPlace, ShapeCheck>

const feature: ShapeCheck = having(
  {
    name,
    doc: sentence,
    keys: having(KEYS),
    byDefault: must((value) => typeof value === 'boolean' || typeof value === 'string', 'true, false or a text'),
    targets: one(0, 2),
    observes: flag,
    answers: flag,
    pure: flag,
    places: table(place),
    requestFields: func,
    alternates: func,
    cells: func,
    metrics: named(metric),
    figures: table(functions('of')),
    decisions: table(decision),
    refusals: table(func),
    states: lasting,
    endpointStates: functions(),
    events: table(event),
    control: func,
    cutOff: func,
    fitsDrill: func,
    mostInFlight: func,
    lints: func,
    plan: func,
    compile: func,
    guardsCalls: func,
    upstream: functions('compile'),
    hookMs: must(
      (value) => typeof value === 'number' && value >= 1 && value <= 600_000,
      'a number of milliseconds from 1 to 600000',
    ),
    provides: having({ algorithms: listOf(functions('create')), sources: listOf(functions('read')) }),
  } satisfies Record<Exclude<keyof AnyFeature, 'plugin'>, ShapeCheck>,
  ['name', 'doc', 'keys'],
)

/** What is wrong with what a module gives as a feature; nothing: it is one. */
export function shapeProblems(value: unknown): readonly string[] {
  const found: string[] = []
  const say: Say = (at, message) => void found.push(at === '' ? message : `${at}: ${message}`)
  try {
    feature(value, '', say)
    if (found.length === 0) together(value as AnyFeature, say)
  } catch (error) {
    say('', `cannot be looked at: ${error instanceof Error ? error.message : String(error)}`)
  }
  return found
}

/** What members say of each other. */
function together({ compile, keys, metrics = {}, places = {}, pure, states, ...rest }: AnyFeature, say: Say): void {
  if (compile !== undefined && Object.keys(places).length === 0)
    say('places', 'is missing: compile returns policies by the names of places')
  if (compile === undefined && Object.keys(places).length > 0 && rest.plan === undefined && rest.upstream === undefined)
    say('compile', 'is missing: places are those of policies')
  for (const key of ['upstream', 'loadBalancing'] as const)
    if (keys[key] !== undefined && rest.upstream === undefined && rest.provides === undefined)
      say('upstream', `is missing: keys.${key} says that it acts at upstreams`)
  if (pure === true && (rest.cells ?? rest.control ?? states ?? rest.decisions) !== undefined)
    say('pure', 'a pure feature has no cells, decisions, states or control half')
  for (const metric of [states?.gauge, states?.counter?.metric])
    if (metric !== undefined && !Object.hasOwn(metrics, metric)) say('states', `${metric} is none of its metrics`)
  for (const { counter } of Object.values(rest.events ?? {}))
    if (counter !== undefined && !Object.hasOwn(metrics, counter.metric))
      say('events', `${counter.metric} is none of its metrics`)
}
