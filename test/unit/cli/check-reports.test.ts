import { describe, expect, it } from 'vitest'
import { githubReport } from '../../../src/cli/check-github.ts'
import { sarifReport } from '../../../src/cli/check-sarif.ts'
import { lintsOf } from '../../../src/config/judge/lints/index.ts'
import { FEATURES } from '../../../src/features/index.ts'
import type { Diagnostic } from '../../../src/schema/diagnostics.ts'

const ERROR: Diagnostic = {
  severity: 'error',
  at: { file: './config/a b,c:d.yaml', line: 3, column: 7 },
  path: 'routes.a',
  message: '100% wrong\r\nreally: yes, so',
}
const WARNING: Diagnostic = { ...ERROR, severity: 'warning', message: 'odd', lint: 'unused-upstream' }
const WHOLE: Diagnostic = { ...ERROR, at: { file: '/etc/x.yaml', line: 0, column: 0 }, path: '', message: 'no file' }

describe('githubReport', () => {
  it('escapes what would end the command or a property', () => {
    expect(githubReport([ERROR])).toBe(
      '::error file=./config/a b%2Cc%3Ad.yaml,line=3,col=7,title=sluice::routes.a: 100%25 wrong%0D%0Areally: yes, so\n',
    )
  })

  it('names the lint, and no line for a file as a whole', () => {
    expect(githubReport([WARNING, WHOLE])).toBe(
      '::warning file=./config/a b%2Cc%3Ad.yaml,line=3,col=7,title=sluice unused-upstream::routes.a: odd\n' +
        '::error file=/etc/x.yaml,title=sluice::no file\n',
    )
  })
})

interface Sarif {
  readonly version: string
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { id: string; helpUri: string }[] } }
      readonly results: readonly { ruleId: string; ruleIndex: number; level: string; locations: readonly unknown[] }[]
    },
  ]
}

describe('sarifReport', async () => {
  const lints = await lintsOf(FEATURES)
  const log = sarifReport([ERROR, WARNING, WHOLE], '1.2.3', lints) as Sarif
  const [{ tool, results }] = log.runs

  it('has a rule for errors and for each lint, with a link to its docs', () => {
    const { rules } = tool.driver
    expect(rules.map(({ id }) => id)).toEqual(['config-error', ...lints.map(({ name }) => name), 'bad-ignore'])
    for (const { id, helpUri } of rules.slice(1)) {
      expect(URL.canParse(helpUri)).toBe(true)
      expect(helpUri.endsWith(`/docs/lints.md#${id}`)).toBe(true)
    }
  })

  it('points from each result to its rule', () => {
    expect(results.map(({ level }) => level)).toEqual(['error', 'warning', 'error'])
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId)
  })

  it('keeps relative files relative, as URIs, and gives a file as a whole no region', () => {
    const uri = 'config/a%20b%2Cc%3Ad.yaml'
    expect(results[0]?.locations).toEqual([
      { physicalLocation: { artifactLocation: { uri }, region: { startLine: 3, startColumn: 7 } } },
    ])
    expect(results[2]?.locations).toEqual([{ physicalLocation: { artifactLocation: { uri: 'file:///etc/x.yaml' } } }])
  })
})
