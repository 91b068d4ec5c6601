import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { sluice } from '../cli/cli.ts'

const FOLDER = fileURLToPath(new URL('./fixtures/', import.meta.url))
const FILES = readdirSync(FOLDER).filter((file) => /\.(conf|ingress\.yaml)$/.test(file))

describe('sluice import', () => {
  it.each(FILES)('%s', async (file) => {
    const kind = file.endsWith('.conf') ? 'nginx' : 'ingress'
    const { code, stderr, stdout } = await sluice(FOLDER, ['import', kind, file])
    const name = file.replace(/\.(conf|ingress\.yaml)$/, `.${kind}`)
    const goldens = { [`${name}.sluice.yaml`]: stdout, [`${name}.left.txt`]: `exit ${code}\n${stderr}` }
    for (const [golden, text] of Object.entries(goldens)) {
      if (process.env.UPDATE_GOLDEN === '1') await writeFile(`${FOLDER}${golden}`, text)
      expect(text).toBe(await readFile(`${FOLDER}${golden}`, 'utf8'))
    }
    expect(code).toBe(stderr === '' ? 0 : 1)
    const loaded = await loadConfig('sluice.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(stdout) })
    expect(loaded.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    const checked = await sluice(FOLDER, ['check', `${name}.sluice.yaml`, '--json'])
    const warnings = JSON.parse(checked.stdout) as readonly { readonly lint?: string }[]
    // That one was so before, and is listed.
    expect(warnings.filter(({ lint }) => lint !== 'tls-not-verified')).toEqual([])
  })
})
