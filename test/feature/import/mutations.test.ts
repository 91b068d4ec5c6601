import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { type Random, seededRandom } from '../../../src/lib/random.ts'
import { diagnosticLine } from '../../../src/schema/diagnostics.ts'
import { Draft } from '../../../src/tools/import/common/draft.ts'
import { settleDraft } from '../../../src/tools/import/common/settle.ts'
import { importIngress } from '../../../src/tools/import/ingress/import.ts'
import { importNginx } from '../../../src/tools/import/nginx/import.ts'
import { NginxError } from '../../../src/tools/import/nginx/parse.ts'

const FOLDER = fileURLToPath(new URL('./fixtures/', import.meta.url))
const TEXTS = readdirSync(FOLDER)
  .filter((file) => /\.(conf|ingress\.yaml)$/.test(file))
  .map((file) => [file, readFileSync(`${FOLDER}${file}`, 'utf8')] as const)
const ROUNDS = 100

/** Undefined: it cannot be read, and says so. */
function imported(file: string, text: string): Draft | undefined {
  if (file.endsWith('.yaml')) {
    const draft = importIngress(file, text)
    return draft instanceof Draft ? draft : undefined
  }
  try {
    return importNginx(file, text, { glob: () => undefined, read: () => '' })
  } catch (error) {
    if (error instanceof NginxError) return undefined
    throw error
  }
}

/** With a few lines left out, twice there, swapped, or with words of other lines. */
function mutated(text: string, random: Random): string {
  const lines = text.split('\n')
  const any = (): number => Math.floor(random.float() * lines.length)
  for (let i = 0; i < 2; i++) {
    const [a, b] = [any(), any()]
    const [one = '', other = ''] = [lines[a], lines[b]]
    const kind = Math.floor(random.float() * 4)
    if (kind === 0) lines.splice(a, 1)
    else if (kind === 1) lines.splice(b, 0, one)
    else if (kind === 2) [lines[a], lines[b]] = [other, one]
    else lines[a] = one.replace(/[\w.$/-]+(?=;?\s*$)/, /[\w.$/-]+(?=;?\s*$)/.exec(other)?.[0] ?? '0')
  }
  return lines.join('\n')
}

describe('an import of something changed at random', () => {
  it.each(TEXTS)('%s is a file that loads, or says why not', async (file, text) => {
    const random = seededRandom(7)
    let loaded = 0
    for (let i = 0; i < ROUNDS; i++) {
      const source = mutated(text, random)
      const draft = imported(file, source)
      if (draft === undefined || draft.routes.size === 0) continue
      const yaml = await settleDraft(draft, file, 'made')
      const { diagnostics } = await loadConfig('a.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(yaml) })
      const errors = diagnostics.filter(({ severity }) => severity === 'error').map(diagnosticLine)
      expect({ errors, source: errors.length === 0 ? '' : source }).toEqual({ errors: [], source: '' })
      loaded++
    }
    expect(loaded).toBeGreaterThan(ROUNDS / 10)
  })
})
