import { describe, expect, test } from 'vitest'
import { folderOf } from '../../scripts/feature-pages.ts'
import { FEATURES } from '../../src/features/index.ts'
import { read, SOURCES } from './files.ts'
import { mentions } from './mentions.ts'

const LIST = 'src/features/index.ts'

/** Where the key of a feature may be mentioned outside its folder, and why. */
interface Exception {
  /** undefined: any. */
  readonly keys?: readonly string[]
  readonly in: RegExp
  readonly why: string
}

const EXCEPTIONS: readonly Exception[] = [
  { in: /^src\/tools\/import\//, why: 'Importers write configs: keys are what they make.' },
  {
    in: /^src\/tools\/scenarios\//,
    why: 'Drills write configs.',
  },
  { in: /^src\/config\/upgrade\//, why: 'Migrations know the keys of their time.' },
  {
    keys: ['access', 'accessLog', 'retries', 'sticky', 'timeouts'],
    in: /^src\/config\/language\/(root|route|logging)\.ts$/,
    why: 'Hints at a key in the wrong place, and keys of later issues.',
  },
  {
    keys: ['overload', 'retries', 'streams'],
    in: /^src\/(cli\/top-(rates|view)|control\/seeing\/live\/(figures|live-schemas|rows|window))\.ts$/,
    why: 'Members of the live view: the JSON that scripts, sluice top and the dashboard read.',
  },
  {
    keys: ['fallback'],
    in: /^src\/(core\/flight|control\/seeing\/flights\/happening|data\/seeing\/(flight-story|happening-text))\.ts$/,
    why: 'A kind of happening in the JSON of sluice why: `degraded` of the exchange, whatever answered in its place.',
  },
  {
    keys: ['headers'],
    in: /./,
    why: 'The fields of every message of HTTP; the word of Node and of all who wrote of it.',
  },
  {
    keys: ['respond'],
    in: /^src\/(core\/policy|data\/engine\/(hooks|chain|plugin-guard)|features\/.*\/(feature|intercept|managed-policy)|tools\/explain\/decision)\.ts$/,
    why: 'The hook of a policy that changes answers.',
  },
  {
    keys: ['fallback'],
    in: /^src\/(schema\/composites|config\/(language\/key-docs|judge\/check)|tools\/explain\/(facts|leaves|policies)|cli\/explain|stores\/guard)\.ts$/,
    why: 'What holds where a key was left out: of schemas, and of guarded calls.',
  },
  {
    keys: ['timeouts'],
    in: /^src\/(core\/config|config\/language\/(listener|normalise)|data\/ingress\/(listener|http1\/(connection|server)|node\/(borrowed|server))|data\/upstreams\/options)\.ts$/,
    why: 'Listeners and upstreams have timeouts of their own, which are no feature.',
  },
  {
    keys: ['timeouts'],
    in: /^src\/features\/retries\/lints\.ts$/,
    why: 'Attempts that do not fit are found at the time of one, where their number is not written.',
  },
  {
    keys: ['zone'],
    in: /./,
    why: 'Where an endpoint is: part of it, which configs state and status and explain show.',
  },
  {
    keys: ['importance'],
    in: /^src\/(core\/exchange|features\/(bulkhead|overload)\/.*)\.ts$/,
    why: 'Stands on the exchange for whatever makes requests wait, or sheds them.',
  },
  {
    keys: ['accessLog'],
    in: /^src\/(core\/config|config\/language\/normalise|embed\/(api|create-gateway)|data\/(seeing\/(access-log|flight-recorder|flight-story|recorder|side-series)|engine\/snapshot|data-worker))\.ts$/,
    why: 'The log itself, of which the feature leaves lines out.',
  },
  {
    keys: ['failover'],
    in: /^src\/(cli\/explain-text|control\/operations\/reload\/.*|tools\/explain\/.*)\.ts$/,
    why: 'What explain calls an upstream that takes over.',
  },
  { keys: ['streams'], in: /^src\/control\/admin\//, why: 'Streams of events to operators.' },
  {
    keys: ['websocket'],
    in: /^src\/(data\/engine\/handshake|features\/upgrades\/.*)\.ts$/,
    why: 'The name of the protocol, as Upgrade has it; and a lint for all that acts on upgrades only.',
  },
  { keys: ['redirect'], in: /^src\/cli\/admin\.ts$/, why: 'An option of fetch.' },
  { keys: ['bodyLimit'], in: /^src\/control\/admin\//, why: 'An option of Fastify.' },
  {
    keys: ['access'],
    in: /^src\/config\/language\/normalise\.ts$/,
    why: 'The access log, as `logging.access` has it.',
  },
]

interface Foreign {
  readonly key: string
  readonly file: string
  readonly line: number
}

/** What mentions a feature outside its folder and the list. */
function foreign(): Foreign[] {
  const byName = new Map(FEATURES.flatMap(({ name }) => [[name, name] as const, [folderOf({ name }), name] as const]))
  return SOURCES.filter((file) => file !== LIST).flatMap((file) =>
    mentions(read(file)).flatMap(({ line, name }) => {
      const key = byName.get(name)
      return key === undefined || file.startsWith(`src/features/${folderOf({ name: key })}/`)
        ? []
        : [{ key, file, line }]
    }),
  )
}

const FOUND = foreign()

function covers({ in: files, keys }: Exception, { file, key }: Foreign): boolean {
  return files.test(file) && (keys === undefined || keys.includes(key))
}

describe('no file names a feature but its own folder, its tests and the list', () => {
  test('except for stated reasons', () => {
    expect(FOUND.filter((one) => !EXCEPTIONS.some((exception) => covers(exception, one)))).toEqual([])
  })

  test('each of which is still needed, and there are few', () => {
    const each = EXCEPTIONS.flatMap((exception) =>
      (exception.keys ?? [undefined]).map((key) => (key === undefined ? exception : { ...exception, keys: [key] })),
    )
    expect(each.filter((exception) => !FOUND.some((one) => covers(exception, one)))).toEqual([])
    expect(EXCEPTIONS.length).toBeLessThanOrEqual(20)
  })

  test.each([
    ["const a = 'slo'", ['slo']],
    ['a.slo', ['slo']],
    ['const a = { slo: 1 }', ['slo']],
    ['const { slo } = a', ['slo']],
    ['interface A { readonly slo: string }', ['slo']],
    ["import { a } from '../../features/circuit-breaker/keys.ts'", ['circuit-breaker']],
    ["const a = () => import('./slo.ts')", ['slo']],
    ['// slo\nconst slo = `slo`\na[slo]\n/* "slo" */', []],
  ])('%j', (text, names) => {
    const seen = mentions(text).map(({ name }) => name)
    expect(seen.filter((name) => name === 'slo' || name === 'circuit-breaker')).toEqual(names)
  })
})

describe('only the list imports a feature', () => {
  const folders = FEATURES.map(folderOf)
  const importers = (folder: string): string[] => {
    const from = new RegExp(`(from |import\\()'[./]+features/${folder}/`)
    return SOURCES.filter((file) => !file.startsWith(`src/features/${folder}/`) && from.test(read(file)))
  }

  test.each(folders)('%s', (folder) => {
    expect(read(LIST)).toContain(`from './${folder}/feature.ts'`)
    expect(importers(folder)).toEqual([])
  })
})
