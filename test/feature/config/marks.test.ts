import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_LANGUAGE } from '../../../src/config/language/default-language.ts'
import { type Language, language } from '../../../src/config/language/language.ts'
import { type Loaded, loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import {
  SecretMissing,
  secretFiles,
  secretsDigest,
  withSecrets,
} from '../../../src/control/operations/reload/secrets.ts'
import { defineFeature } from '../../../src/core/feature.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { collection } from '../../../src/schema/collection.ts'
import { byKind, map, mapped, object, offOr, oneOrMany, optional, required } from '../../../src/schema/composites.ts'
import { diagnosticExcerpt, diagnosticLine } from '../../../src/schema/diagnostics.ts'
import { pemFile, reference } from '../../../src/schema/mark.ts'
import type { Node } from '../../../src/schema/node.ts'
import { name } from '../../../src/schema/scalars.ts'
import { secret } from '../../../src/schema/secret.ts'
import { configFacts } from '../../../src/tools/explain/facts.ts'

/** A reference, a secret and a file, each inside a union inside a list inside a union. */
const target = byKind<unknown>({
  scalar: reference('upstream'),
  map: mapped(
    object({
      upstream: required(reference('upstream'), 'Whom.'),
      by: optional(reference('party'), 'As whom.'),
      sign: optional(offOr(object({ key: required(secret({ keyFor: 'toy' }), 'With what.') })), 'How.'),
      trust: optional(object({ file: required(pemFile(), 'Whom.') }), 'Whom to trust.'),
    }),
    (value) => value,
  ),
})
const asks = defineFeature<unknown>({
  name: 'asks',
  places: {},
  compile: () => undefined,
  doc: 'Asks.',
  keys: {
    route: byKind<unknown>({
      scalar: reference('upstream'),
      map: object({ all: required(oneOrMany(target), 'All.') }),
    }),
  },
})
const parties = defineFeature<unknown>({
  name: 'parties',
  places: {},
  compile: () => undefined,
  doc: 'Who asks.',
  keys: {
    root: collection(
      { of: 'party', named: true, serves: true, reach: 'listed' },
      map(name(), object({ next: optional(reference('party'), 'Next.'), key: optional(secret(), 'Whose.') })),
    ),
  },
})
const TOYS: Language = language([...FEATURES, asks, parties])

const ENV = { KEY: 'the key', TOKEN: 'sk-very-secret' }
const TOP = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams: { app: { endpoints: ["http://127.0.0.1:1"] }, other: { endpoints: ["http://127.0.0.1:2"] } }
`
const PEM = '-----BEGIN CERTIFICATE-----'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-marks-'))
})

afterEach(() => rm(folder, { recursive: true }))

type Texts = Readonly<Record<string, string>>

async function load(files: Texts, good?: Node, toys: Language = TOYS): Promise<Loaded> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), text)
  }
  return loadConfig(join(folder, 'sluice.yaml'), loadDeps(ENV, toys), good && (() => good))
}

const route = (asked: string, more = '') =>
  `${TOP}${more}routes: { r: { match: { path: /r }, to: app, asks: ${asked} } }\n`
const told = ({ diagnostics }: Loaded): string[] =>
  diagnostics.map((diagnostic) => diagnosticLine(diagnostic).replaceAll(`${folder}/`, ''))
const place = (line: string): string => line.replace(/^\S+ /, '')

describe('what a feature of a language marks', () => {
  it('is unknown to the language without it, in the same process', async () => {
    const text = { 'sluice.yaml': route('other') }
    expect((await load(text)).config).toBeDefined()
    const without = told(await load(text, undefined, DEFAULT_LANGUAGE))
    expect(without.map(place)).toEqual([expect.stringMatching(/^routes\.r\.asks: unknown key/)])
  })

  it('is a reference that must be there, wherever it stands', async () => {
    const known = 'parties: { me: {} }\n'
    expect(told(await load({ 'sluice.yaml': route('{ all: [other, { upstream: app, by: me }] }', known) }))).toEqual([])
    const bad = await load({ 'sluice.yaml': route('{ all: [othr, { upstream: app, by: mee }] }', known) })
    expect(told(bad).map(place)).toEqual([
      'routes.r.asks.all[0]: there is no upstream "othr"; did you mean other?',
      'routes.r.asks.all[1].by: there is no party "mee"; did you mean me?',
    ])
  })

  it('reaches what it refers to, and what that refers to, and nothing else', async () => {
    const known = 'parties: { me: { next: you }, you: { next: me }, other: {} }\n'
    const { config } = await load({ 'sluice.yaml': route('{ all: [app, { upstream: app, by: me }] }', known) })
    const you = { next: 'me' }
    expect(config?.lean.routes[0]?.reach).toEqual({ asks: { party: { me: { next: 'you' }, you } } })
    expect((await load({ 'sluice.yaml': route('app', known) })).config?.lean.routes[0]?.reach).toEqual({})
  })

  it('counts as a use', async () => {
    const unused = (asked: string) => load({ 'sluice.yaml': route(asked) }).then((loaded) => told(loaded).map(place))
    expect(await unused('{ all: app }')).toEqual(['warning: upstreams.other: no route leads here [unused-upstream]'])
    expect(await unused('{ all: { upstream: other } }')).toEqual([])
  })

  it('gets the names of its team, and is held by the fence', async () => {
    const main = `${TOP}include: [{ files: team/t.yaml, as: t, allow: { hosts: t.example.com, upstreams: other, parties: open, env: KEY } }]
parties: { main: {}, open: {} }
routes: { main: { match: { path: /main }, to: app } }
`
    const team = (asked: string) => ({
      'sluice.yaml': main,
      'team/ca.pem': PEM,
      'team/t.yaml': `parties: { us: { next: us } }
upstreams: { own: { endpoints: ["http://127.0.0.1:3"] } }
routes: { r: { match: { host: t.example.com }, to: own, asks: { all: [own, ${asked}] } } }
`,
    })
    const fine = await load(team('{ upstream: other, by: us, sign: { key: { env: KEY } }, trust: { file: ca.pem } }'))
    expect(told(fine)).toEqual([])
    expect(fine.config?.lean.routes.find((one) => one.name === 't.r')?.features).toMatchObject({
      asks: { all: ['t.own', { upstream: 'other', by: 't.us', trust: { file: { path: 'team/ca.pem', text: PEM } } }] },
    })
    expect(told(await load(team('{ upstream: own, by: open }')))).not.toContainEqual(expect.stringContaining('party'))
    const held = async (asked: string) => told(await load(team(asked))).map(place)
    expect(await held('app')).toEqual([
      'routes."t.r".asks.all[1]: "app" is not an upstream of t; allow.upstreams of its include lists those that it may share',
    ])
    expect(await held('{ upstream: own, by: main }')).toEqual([
      'routes."t.r".asks.all[1].by: "main" is not a party of t; allow.parties of its include lists those that it may share',
    ])
    expect(await held('{ upstream: own, sign: { key: { env: TOKEN } } }')).toEqual([
      'the environment value TOKEN is not one that t may use (allow.env)',
    ])
    expect(await held('{ upstream: own, trust: { file: ../x.pem } }')).toEqual([
      '"../x.pem" is outside of the folder of this file, which t must not leave',
    ])
  })

  it('is read from its file, which is watched, and must be what it should', async () => {
    const text = route('{ all: { upstream: other, trust: { file: ca.pem } } }')
    const loaded = await load({ 'sluice.yaml': text, 'ca.pem': PEM })
    expect(loaded.sources).toContain(join(folder, 'ca.pem'))
    const changed = await load({ 'ca.pem': `${PEM}\nother` })
    expect(changed.config?.hash).not.toBe(loaded.config?.hash)
    expect(told(await load({ 'ca.pem': 'none' })).map(place)).toEqual([
      'routes.r.asks.all.trust.file: "ca.pem" holds no PEM; expected -----BEGIN … -----',
    ])
    await rm(join(folder, 'ca.pem'))
    const gone = await load({})
    expect(told(gone).map(place)).toEqual([
      'routes.r.asks.all.trust.file: "ca.pem": there is no such file; paths are relative to the config file',
    ])
    expect(gone.sources).toContain(join(folder, 'ca.pem'))
  })

  it('is a secret that is read for workers, as a key, and watched', async () => {
    const text = route('{ all: [{ upstream: other, sign: { key: { file: key } } }, { upstream: other, sign: off }] }')
    const { config } = await load({ 'sluice.yaml': text })
    if (config === undefined) throw new Error('no config')
    expect(secretFiles(config)).toEqual([join(folder, 'key')])
    await expect(withSecrets(config, ENV)).rejects.toThrow(
      new SecretMissing('routes.r.asks.all[0].sign.key: the secret is not there or empty'),
    )
    const before = await secretsDigest(config, ENV)
    await writeFile(join(folder, 'key'), 'abc\n')
    expect(await secretsDigest(config, ENV)).not.toBe(before)
    const lean = await withSecrets(config, ENV)
    const asked = lean.routes.map(({ features }) => features.asks) as { all: { sign?: { key: { text: string } } }[] }[]
    const [{ all } = { all: [] }] = asked
    expect(all[0]?.sign?.key.text).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(lean)).not.toContain('abc')
    expect(JSON.stringify(config)).not.toContain(all[0]?.sign?.key.text)
  })

  it('is a secret of the root that workers get where it is reached, too', async () => {
    const text = route(
      '{ all: { upstream: other, by: me } }',
      'parties: { me: { key: { env: KEY } }, you: { key: { env: NOPE } } }\n',
    )
    const { config } = await load({ 'sluice.yaml': text })
    if (config === undefined) throw new Error('no config')
    await expect(withSecrets(config, ENV)).rejects.toThrow('parties.you.key: the secret is not there or empty')
    const lean = await withSecrets(config, { ...ENV, NOPE: 'other' })
    const party = { next: undefined, key: expect.objectContaining({ text: 'the key' }) }
    const { parties: all } = lean.features as { parties: ReadonlyMap<string, unknown> }
    expect(all.get('me')).toEqual(party)
    expect(lean.routes[0]?.reach.asks).toEqual({ party: { me: party } })
  })

  it('is never shown where the secret itself stands there by mistake', async () => {
    const literal = await load({ 'sluice.yaml': route('{ all: { upstream: other, sign: { key: sk-very-secret } } }') })
    const excerpts = literal.diagnostics.map((one) => diagnosticExcerpt(one, 'key: sk-very-secret')).join('\n')
    expect(excerpts).toContain('routes.r.asks.all.sign.key: secrets are never written into the config')
    expect(excerpts).not.toContain('very-secret')
    const shown = async (asked: string) => {
      const { config, tree } = await load({ 'sluice.yaml': route(asked) })
      if (config === undefined || tree === undefined) throw new Error('no config')
      const facts = configFacts({ config, tree, language: TOYS }).routes.get('r') ?? new Map()
      return [...facts].filter(([key]) => key.startsWith('asks')).map(([key, { text }]) => `${key}=${text}`)
    }
    expect(await shown(`{ all: { upstream: other, sign: { key: { env: "$\{TOKEN}" } } } }`)).toEqual([
      'asks.all.upstream=other',
      'asks.all.sign.key.env=***',
    ])
    expect(await shown(`{ all: [other, { upstream: other, sign: { key: { env: "$\{TOKEN}" } } }] }`)).toEqual([
      'asks.all=***',
    ])
    expect(await shown('{ all: { upstream: other, sign: { key: { env: KEY } } } }')).toContain(
      'asks.all.sign.key.env=KEY',
    )
  })

  it('keeps the last good version of an entry of its collection', async () => {
    const text = (next: string) =>
      route('{ all: { upstream: other, by: me } }', `onInvalid: keepGood\nparties: { me: { next: ${next} } }\n`)
    const { tree } = await load({ 'sluice.yaml': text('me') })
    const kept = await load({ 'sluice.yaml': text('you') }, tree)
    expect(kept.kept).toEqual([{ kind: 'parties', name: 'me', became: 'as it was' }])
    expect(kept.config).toBeDefined()
  })
})
