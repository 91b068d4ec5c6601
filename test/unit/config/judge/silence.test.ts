import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../../src/config/load.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'
import { found, load } from '../../../kit/lints.ts'

const IGNORE = '# sluice-ignore unbounded-wait: clients end it'

/** A route that nothing bounds, with comments at the places. */
function config(at: Partial<Record<'routes' | 'route' | 'timeouts' | 'end' | 'value' | 'match', string>>): string {
  const above = (comment: string | undefined, indent: string): string =>
    comment === undefined ? '' : `${indent}${comment}\n`
  return `upstreams:
  u: { endpoints: [ http://u ] }
${above(at.routes, '')}routes:
${above(at.route, '  ')}  a:
${above(at.match, '    ')}    match: { path: /a }
    to: u
${above(at.timeouts, '    ')}    timeouts:
${above(at.value, '      ')}      request: off${at.end === undefined ? '' : ` ${at.end}`}
`
}

async function said(sections: string): Promise<string[]> {
  const { diagnostics } = await load(sections)
  return diagnostics.map(({ at, lint, message }) => `${at.line}:${at.column} ${lint}: ${message}`)
}

describe('# sluice-ignore', () => {
  it('is needed here', async () => {
    expect(await found(config({}))).toEqual(['10:16 unbounded-wait'])
  })

  it.each(['end', 'value', 'timeouts', 'route', 'routes'] as const)('silences a lint at %s', async (place) => {
    expect(await found(config({ [place]: IGNORE }))).toEqual([])
  })

  it('speaks of the next line that is no comment', async () => {
    expect(await found(config({ value: `${IGNORE}\n      # and more` }))).toEqual([])
  })

  it('silences nothing at a key beside it', async () => {
    expect(await said(config({ match: IGNORE }))).toEqual([
      '7:5 bad-ignore: silences nothing: unbounded-wait finds nothing here; remove the comment',
      '11:16 unbounded-wait: nothing bounds the wait for an answer; give request or total a duration',
    ])
  })

  it('needs a reason', async () => {
    for (const comment of ['# sluice-ignore unbounded-wait', '# sluice-ignore unbounded-wait:  '])
      expect(await said(config({ end: comment }))).toEqual([
        expect.stringMatching(/^10:16 unbounded-wait: /),
        '10:20 bad-ignore: the reason is missing; write: # sluice-ignore unbounded-wait: reason',
      ])
  })

  it.each([
    ['# sluice-ignore unbound-wait: x', 'there is no lint "unbound-wait"; did you mean unbounded-wait?'],
    ['# sluice-ignore everything: x', 'there is no lint "everything"'],
    ['# sluice-ignore', 'the comment names no lint; write: # sluice-ignore NAME: reason'],
    ['# sluice-ignore bad-ignore: x', 'there is no lint "bad-ignore"'],
  ])('knows the lints: %s', async (comment, message) => {
    expect(await said(config({ timeouts: comment }))).toContain(`9:5 bad-ignore: ${message}`)
  })

  it('takes two comments for two lints', async () => {
    const both = `${IGNORE}\n  # sluice-ignore unused-upstream: soon`
    const text = config({ route: both })
    expect(await said(text)).toEqual([expect.stringMatching(/^7:3 bad-ignore: silences nothing: unused-upstream/)])
  })

  it('is no comment inside text', async () => {
    const respond = `routes:\n  a:\n    match: { path: /a }\n    respond:\n      body: |\n        # sluice-ignore nothing\n      headers: { x-a: "# sluice-ignore nothing", x-b: a#sluice-ignore }\n`
    expect(await found(respond)).toEqual([])
  })

  it('is found behind blocks of text, flow and quotes', async () => {
    const text = `x-a: |
  # sluice-ignore nothing
  two
x-b: { c: [ "#", '#' ] } # sluice-ignore nothing
x-d: "a
  # b" # sluice-ignore nothing
routes:
  a: { match: {}, respond: {} }
`
    expect(await found(text)).toEqual(['6:26 bad-ignore', '8:8 bad-ignore'])
  })

  it('works in a file with CRLF', async () => {
    const text = config({ value: IGNORE }).replaceAll('\n', '\r\n')
    expect(await found(text)).toEqual([])
  })
})

describe('a config of several files', () => {
  const FILES: Readonly<Record<string, string>> = {
    'sluice.yaml': `apiVersion: sluice/v1
listeners: { web: { listen: 127.0.0.1:8080 } }
include: [ { files: team.yaml } ]
routes:
  all: { match: { path: /a/* }, precedence: 1, respond: {} }
`,
    'team.yaml': `# sluice-ignore unused-upstream: soon
upstreams: { u: { endpoints: [ http://u ] } }
routes:
  one: { match: { path: /a/b }, respond: {} }
`,
  }

  it('names the file of the other route, and reads the comments of each', async () => {
    const { diagnostics } = await loadConfig('sluice.yaml', {
      ...loadDeps({}),
      readFile: async (path) => Buffer.from(FILES[basename(path)] ?? ''),
      readFolder: async () => [],
    })
    expect(diagnostics.map(({ at, lint }) => `${basename(at.file)}:${at.line} ${lint}`)).toEqual([
      'team.yaml:4 route-never-matches',
    ])
    expect(diagnostics[0]?.message).toMatch(/^never gets a request: route all \(\S*sluice\.yaml:5\) takes all of them/)
  })
})
